"""Operations that can make something huge out of something small, in one step that no meter could stop.

`"x" * 10**9`, `10 ** 10 ** 9`, `"%1000000000d"`, `text|center(10**9)`, `text|replace("", other)`: each is estimated
before it is carried out. The estimates may be rough, they only have to tell a mail from a bomb.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from functools import update_wrapper
from typing import Any

from dispatcher.rendering.limits import Meter
from dispatcher.rendering.weights import RenderLimit

WIDEST = 10_000
"""The largest width, indent or precision: far beyond any mail."""

MOST_ITEMS = 100_000
"""The longest list that is sorted or grouped: that goes on in one step, which no meter can stop."""

_LONGEST_WRAPPED = 500_000
_LONGEST_WORD = 100_000
_MOST_TRIMMED = 1_000
_LONGEST_NAME = 60  # of a character, as `namereplace` writes it
_UNWATCHED = 1_000  # so many items are over before anybody could ask
_MOST_BITS = 100_000
_WIDE = re.compile(r"%(\([^)]*\))?[-+ #0]*(\d{5,}|\d*\.\d{5,})")
_WIDE_FIELD = re.compile(r"\d{5,}")
_SEQUENCES = (str, bytes, list, tuple)
_WIDTHS = {"batch", "center", "indent", "round", "slice", "tojson", "wordwrap"}
_WIDTHS_OF_METHODS = {"center", "expandtabs", "ljust", "rjust", "to_bytes", "zfill"}
_PRINTS = {"e", "escape", "forceescape", "pprint", "string", "tojson", "urlencode"}
_ORDERS = {"dictsort", "groupby", "max", "min", "sort", "unique"}
_LAZY = {"batch", "map", "reject", "rejectattr", "select", "selectattr", "slice", "unique"}
_ENCODINGS = {"utf8", "ascii", "usascii", "latin1", "iso88591", "utf16", "utf32"}

GUARDED_FILTERS = sorted(_WIDTHS | _PRINTS | _ORDERS | _LAZY | {"format", "join", "replace", "sum", "trim"})
"""The filters that `guard_filter` is to be put around."""


def guard_filter(name: str, function: Callable[..., Any], meter: Meter) -> Callable[..., Any]:
    """Put the estimate before a filter of Jinja's."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        at = 1 if hasattr(function, "jinja_pass_arg") else 0
        _check_filter(name, args[at], [*args[at + 1 :], *kwargs.values()], meter)
        if name not in _LAZY:
            return function(*args, **kwargs)
        if isinstance(args[at], Sized) and len(args[at]) > _UNWATCHED:
            args = (*args[:at], _watched(args[at], meter), *args[at + 1 :])
        return _watched(function(*args, **kwargs), meter)

    # Jinja reads from the attributes of a filter whether it wants to be given the environment.
    return update_wrapper(guarded, function)


def _watched(items: Any, meter: Meter) -> Iterator[Any]:
    """Ask the meter at each item that a filter takes or gives."""
    for item in items:
        meter.tick()
        yield item


def _check_filter(name: str, subject: Any, arguments: Sequence[Any], meter: Meter) -> None:
    if name in _WIDTHS:
        _check_widths(name, subject, arguments, meter)
    if name in _PRINTS:
        meter.weigh(subject)
    elif name in _ORDERS:
        _check_order(name, subject, meter)
    elif name in {"sum", "trim"}:
        _check_arguments(name, arguments)
    else:
        _check_text(name, subject, arguments, meter)


def _check_text(name: str, subject: Any, arguments: Sequence[Any], meter: Meter) -> None:
    if name == "format":
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
    elif name in {"strip", "lstrip", "rstrip"}:
        _check_arguments(name, arguments)
    elif name in {"encode", "decode"}:
        _check_encoding(name, owner, arguments, meter)
    elif name == "translate":
        raise RenderLimit("translate is not for templates; use replace")


def check_operation(operator: str, left: Any, right: Any, meter: Meter) -> None:
    """Estimate the result of `+`, `*`, `**` or `%`, and the work of `/` and `//`.

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
    elif operator == "%" and isinstance(left, str):
        _check_format(left, right, meter)
    elif any(isinstance(value, int) and value.bit_length() > _MOST_BITS for value in (left, right)):
        raise RenderLimit("a number is larger than can be divided")


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
        if name == "wordwrap":
            _check_wrapped(subject)
        # Each line may be filled up to the width, and a wrapped text gets a line end for each line.
        pieces = 1 + subject.count("\n") + subject.count("\t")
        meter.check(pieces * width)
        pieces = max(pieces, len(subject) // max(width, 1)) if name == "wordwrap" else pieces
        meter.check(pieces * max([len(value) for value in arguments if isinstance(value, str)], default=1))


def _check_wrapped(subject: str) -> None:
    """Keep to what is wrapped in a moment: each line copies what is left of a word that is too long for it."""
    if len(subject) > _LONGEST_WRAPPED:
        raise RenderLimit(f"wordwrap of {len(subject):,} characters is more than {_LONGEST_WRAPPED:,}")
    longest = max(map(len, subject.split()), default=0)
    if longest > _LONGEST_WORD:
        raise RenderLimit(f"wordwrap of a word of {longest:,} characters is more than {_LONGEST_WORD:,}")


def _check_order(name: str, subject: Any, meter: Meter) -> None:
    if isinstance(subject, Sized) and len(subject) > MOST_ITEMS:
        raise RenderLimit(f"{name} of {len(subject):,} items is more than {MOST_ITEMS:,}")
    meter.weigh(subject)


def _check_arguments(name: str, arguments: Sequence[Any]) -> None:
    """Refuse what makes the work grow with the square."""
    if name == "sum":
        if any(isinstance(value, list | tuple) for value in arguments):
            raise RenderLimit("sum adds numbers only; loop over the lists instead")
    elif any(isinstance(value, str | bytes) and len(value) > _MOST_TRIMMED for value in arguments):
        raise RenderLimit(f"{name} of more than {_MOST_TRIMMED:,} different characters")


def _check_encoding(name: str, owner: Any, arguments: Sequence[Any], meter: Meter) -> None:
    """Let pass the encodings whose work grows with the text, not with its square; and look at what errors become."""
    encoding = str(arguments[0] if arguments else "utf-8").lower().replace("-", "").replace("_", "")
    if encoding not in _ENCODINGS and not (encoding.endswith("replace") or encoding in {"ignore", "strict"}):
        raise RenderLimit(f"{name} is for utf-8, utf-16, utf-32, ascii and latin-1 only")
    if any(str(value).endswith("replace") for value in arguments):
        meter.check(len(owner) * _LONGEST_NAME)


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
