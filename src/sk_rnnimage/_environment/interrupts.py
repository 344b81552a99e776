"""Ctrl-C, as it is told to those who come after one that takes it for its own end."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def interrupts_told():
    """Tell whether Ctrl-C was pressed while a block runs.

    Some estimators, such as MLPClassifier and skorch's nets, end their training at
    Ctrl-C and hand on what they have as if it were whole.

    Yields
    ------
    threading.Event
        Set where it was pressed. KeyboardInterrupt is raised as ever.
    """
    pressed = threading.Event()
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not callable(handler):  # only the main thread is told of signals
        yield pressed
        return

    def tell(number, frame):
        pressed.set()
        return handler(number, frame)

    signal.signal(signal.SIGINT, tell)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, handler)
