"""Parameters from a shell: ``cell=gru hidden_size=128``."""

import ast
import re
from difflib import get_close_matches


def parse_assignments(texts):
    """Texts ``name=value`` as a dict.

    A value is a number, True, False, None or a tuple as Python writes it, or else a
    string without quotes; ``rows,columns`` is a tuple of two. Nothing is run.

    Raises
    ------
    ValueError
        Where a text is none of these.
    """
    return dict(map(_parse, texts))


def _parse(text):
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"--set takes name=value. Got {text!r} instead.")
    return name, _value(value, text)


def _value(value, text):
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    if re.fullmatch(r"[\w.:-]+(,[\w.:-]+)+", value):
        return tuple(_value(part, text) for part in value.split(","))
    if not re.fullmatch(r"[\w.:-]+", value):
        raise ValueError(
            f"--set {text}: the value is neither a word nor a number, nor True, False, "
            "None or a tuple like (64,32). Quote what the shell would take apart."
        )
    return value


def set_parameters(classifier, parameters):
    """Set parameters of a classifier by name.

    Raises
    ------
    ValueError
        Where it has no such parameter; the message says the nearest.
    """
    known = classifier.get_params(deep=False)
    for name in parameters:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            raise ValueError(
                f"--set: {type(classifier).__name__} has no parameter {name!r}. "
                + (
                    f"Did you mean {near[0]!r}?"
                    if near
                    else f"It has {', '.join(known)}."
                )
            )
    return classifier.set_params(**parameters)
