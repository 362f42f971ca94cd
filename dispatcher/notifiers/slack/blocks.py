"""From the JSON that a template gave to blocks that Slack takes."""

import json
import math
from itertools import islice
from typing import Any, Never

from dispatcher.notifiers.slack.limits import complaints
from dispatcher.notifiers.slack.strings import mended, mrkdwn
from dispatcher.words.errors import Failure, Kind, Reason

_SHOWN = 3
_TOO_DEEP = "it is nested too deeply"
_SHAPE = 'must be a list of blocks, or an object like {"blocks": […], "text": "…"}'


def read_blocks(source: str, template: str) -> tuple[list[Any], str | None]:
    """Read what a template for Block Kit gave.

    Args:
        source: JSON; line breaks within its strings are let pass, as parameters have them.
        template: the file it comes from, for the text of a failure.

    Returns:
        the blocks, and the text that stands beside them, where there is one.

    Raises:
        Failure: it is no JSON, or not what Slack takes (content).

    """
    blocks, text = _shape(_parse(source, template), template)
    try:
        blocks = mended(blocks)
    except RecursionError:
        raise bad_blocks(template, _TOO_DEEP) from None
    found = complaints(blocks)
    shown = list(islice(found, _SHOWN))
    if shown:
        more = sum(1 for _ in found)
        raise bad_blocks(template, "; ".join([*shown, *([f"and {more} more"] if more else [])]))
    return blocks, None if text is None else mrkdwn(text)


def bad_blocks(template: str, what: str) -> Failure:
    """Give the failure for blocks that cannot be sent."""
    return Failure(Kind.CONTENT, Reason.BAD_BLOCKS, f"{template}: {what}")


def _parse(source: str, template: str) -> Any:
    try:
        return json.loads(source, strict=False, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        what = f"is not JSON once it is rendered: {error.msg} (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError) as error:
        what = f"is not JSON once it is rendered: {_reason(error)}"
    raise bad_blocks(template, what)  # out here, so that it does not hold on to the whole text


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    return "it has a number that JSON does not know"


def _refuse(name: str) -> Never:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _shape(document: Any, template: str) -> tuple[list[Any], str | None]:
    match document:
        case list():
            return document, None
        case {"blocks": list(blocks), **others}:
            text = others.pop("text", None)
            if others:
                raise bad_blocks(template, f"{_SHAPE}; it has also {', '.join(map(str, others))[:100]}")
            if text is None or isinstance(text, str):
                return blocks, text
            raise bad_blocks(template, "its text must be a string")
    raise bad_blocks(template, _SHAPE)
