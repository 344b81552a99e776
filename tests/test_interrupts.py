"""Ctrl-C, told also where somebody takes it for the end of a training."""

import signal
import threading

import pytest

from sk_rnnimage._environment.interrupts import interrupts_told


def test_ctrl_c_is_raised_and_told():
    handler = signal.getsignal(signal.SIGINT)
    with interrupts_told() as pressed:
        assert not pressed.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert pressed.is_set()
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(KeyboardInterrupt), interrupts_told():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_is_not_pythons_stays(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with interrupts_told() as pressed:
            assert signal.getsignal(signal.SIGINT) is handler
            assert not pressed.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_hears_nothing():
    handler, told = signal.getsignal(signal.SIGINT), []

    def listen():
        with interrupts_told() as pressed:
            told.append((signal.getsignal(signal.SIGINT), pressed.is_set()))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert told == [(handler, False)]
