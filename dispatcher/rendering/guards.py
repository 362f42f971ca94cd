"""Operations that can make something huge out of something small, in one step that no meter could stop.

`"x" * 10**9`, `10 ** 10 ** 9`, `"%1000000000d"`, `text|center(10**9)`, `text|replace("", other)`: each is estimated
before it is carried out. The estimates may be rough, they only have to tell a mail from a bomb.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import Any

from dispatcher.rendering.limits import Meter, RenderLimit

WIDEST = 10_000
"""The largest width, indent or precision: far beyond any mail."""

_MOST_BITS = 100_000
_WIDE = re.compile(r"%(\([^)]*\))?[-+ #0]*(\d{5,}|\d*\.\d{5,})")
_WIDE_FIELD = re.compile(r"\d{5,}")
_SEQUENCES = (str, bytes, list, tuple)
_WIDTHS = {"batch", "center", "indent", "round", "slice", "tojson", "wordwrap"}
_WIDTHS_OF_METHODS = {"center", "expandtabs", "ljust", "rjust", "to_bytes", "zfill"}
_PRINTS = {"e", "escape", "forceescape", "pprint", "string", "tojson", "urlencode"}

GUARDED_FILTERS = sorted(_WIDTHS | _PRINTS | {"format", "join", "replace"})
"""The filters that `guard_filter` is to be put around."""


def guard_filter(name: str, function: Callable[..., Any], meter: Meter) -> Callable[..., Any]:
    """Put the estimate before a filter of Jinja's."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        subject, *rest = args[1:] if hasattr(function, "jinja_pass_arg") else args
        _check_filter(name, subject, [*rest, *kwargs.values()], meter)
        return function(*args, **kwargs)

    # Jinja reads from the attributes of a filter whether it wants to be given the environment.
    return update_wrapper(guarded, function)


def _check_filter(name: str, subject: Any, arguments: Sequence[Any], meter: Meter) -> None:
    if name in _WIDTHS:
        _check_widths(name, subject, arguments, meter)
    if name in _PRINTS:
        meter.weigh(subject)
    elif name == "format":
        check_operation("%", subject, arguments, meter)
    elif name == "replace" and len(arguments) > 1:
        _check_replace(str(subject), arguments, meter)
    elif name == "join":
        _check_join(subject, arguments[0] if arguments else "", meter)


def check_method(owner: object, name: str, arguments: Sequence[Any], meter: Meter) -> None:
    """Estimate what a method of a text or number makes of it.

    Raises:
        RenderLimit: too much.

    """
    if name in _WIDTHS_OF_METHODS:
        _check_widths(name, owner, arguments, meter)
    elif name == "join" and arguments:
        _check_join(arguments[0], owner, meter)
    elif name == "replace" and len(arguments) > 1 and isinstance(owner, str):
        _check_replace(owner, arguments, meter)
    elif name == "translate":
        raise RenderLimit("translate is not for templates; use replace")


def check_operation(operator: str, left: Any, right: Any, meter: Meter) -> None:
    """Estimate the result of `+`, `*`, `**` or `%`.

    Raises:
        RenderLimit: too much.

    """
    if operator == "+":
        if isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
            meter.check(len(left) + len(right))
    elif operator == "*":
        _check_product(left, right, meter)
    elif operator == "**":
        if isinstance(left, int) and isinstance(right, int) and abs(right) * left.bit_length() > _MOST_BITS:
            raise RenderLimit("a power is larger than can be computed")
    elif isinstance(left, str):
        _check_format(left, right, meter)


def check_field(specification: str) -> None:
    """Refuse an enormous width in a field of `str.format`.

    Raises:
        RenderLimit: it has one.

    """
    if _WIDE_FIELD.search(specification):
        raise RenderLimit(f"a width in a format is more than {WIDEST:,}")


def _check_widths(name: str, subject: Any, arguments: Sequence[Any], meter: Meter) -> None:
    width = max([abs(value) for value in arguments if isinstance(value, int)], default=1)
    if width > WIDEST:
        raise RenderLimit(f"{name} of {width:,} is more than {WIDEST:,}")
    if name == "tojson":
        meter.check(meter.weigh(subject) * width)
    elif isinstance(subject, str):
        # Each line may be filled up to the width, and a wrapped text gets a line end for each line.
        pieces = 1 + subject.count("\n") + subject.count("\t")
        meter.check(pieces * width)
        pieces = max(pieces, len(subject) // max(width, 1)) if name == "wordwrap" else pieces
        meter.check(pieces * max([len(value) for value in arguments if isinstance(value, str)], default=1))


def _check_replace(subject: str, arguments: Sequence[Any], meter: Meter) -> None:
    meter.check(len(subject) + subject.count(str(arguments[0])) * len(str(arguments[1])))


def _check_join(items: Any, separator: Any, meter: Meter) -> None:
    if isinstance(items, Sequence) and isinstance(separator, str):
        meter.check(meter.weigh(items) + len(items) * len(separator))


def _check_format(template: str, values: Any, meter: Meter) -> None:
    """Look at the widths written in a `%` format, and at those given for a `*`."""
    meter.weigh(values)
    if _WIDE.search(template):
        raise RenderLimit(f"a width in a format is more than {WIDEST:,}")
    given = values if isinstance(values, list | tuple) else [values]
    if "*" in template and any(isinstance(value, int) and abs(value) > WIDEST for value in given):
        raise RenderLimit(f"a width given to a format is more than {WIDEST:,}")
    if isinstance(values, Mapping):
        meter.check(template.count("%") * meter.weigh(values))


def _check_product(left: Any, right: Any, meter: Meter) -> None:
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _MOST_BITS:
            raise RenderLimit("a product is larger than can be computed")
    elif isinstance(left, _SEQUENCES) and isinstance(right, int):
        meter.check(len(left) * right)
    elif isinstance(right, _SEQUENCES) and isinstance(left, int):
        meter.check(len(right) * left)
