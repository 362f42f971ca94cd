"""What went wrong in a render, as a failure with file and line. Exceptions of Jinja end here.

Whoever reads the text may be allowed to see less than the message holds, so no value of a parameter is in it: of
other people's exceptions only those speak that talk about types.
"""

from collections import deque
from collections.abc import Mapping
from itertools import islice
from traceback import walk_tb
from typing import Any

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError
from jinja2.environment import TemplateModule
from jinja2.exceptions import TemplateRuntimeError
from jinja2.utils import missing

from dispatcher.rendering.environment import ParameterMissing
from dispatcher.rendering.files import Broken, Unreadable
from dispatcher.rendering.limits import RenderMemory
from dispatcher.rendering.weights import RenderLimit
from dispatcher.words.errors import Failure, Kind, Reason

_LONGEST = 200
_MOST_VALUES = 10_000


def failure_of(error: Exception, path: str, parameters: Mapping[str, Any]) -> Failure:
    """Judge what a render has raised.

    Args:
        error: what was raised.
        path: of the template that was rendered.
        parameters: what it was rendered with, to find out where something was missing.

    """
    if isinstance(error, Failure):
        return error
    if isinstance(error, Unreadable):
        return Failure(Kind.OUTAGE, Reason.TEMPLATES_UNREADABLE, str(error))
    where = _where(error, path)
    trouble = _trouble_of_files(error, where)
    if trouble:
        # Somebody is about to correct the file, and then the message can be sent.
        return Failure(Kind.TRANSIENT, Reason.TEMPLATE_BROKEN, trouble)
    if isinstance(error, RenderMemory | MemoryError):
        # All who work in the process share its memory: whether it was this one is seen when it is tried again.
        text = str(error) or "there is not enough memory for it"
        return Failure(Kind.TRANSIENT, Reason.RENDER_LIMIT, f"{where}: {text}")
    reason, said = _trouble_of_message(error, parameters)
    return Failure(Kind.CONTENT, reason, f"{where}: {said}")


def _trouble_of_files(error: Exception, where: str) -> str | None:
    """Give a sentence where no parameters at all would help."""
    match error:
        case Broken():
            return str(error)
        case TemplateNotFound():
            return f"{where}: there is no {_short(error.name)}"
        case TemplateSyntaxError():
            return f"{error.name}:{error.lineno}: {error.message}"
        case ParameterMissing(owner=TemplateModule()):
            return f"{where}: what is imported has no {error.name!r}"
    return None


def _trouble_of_message(error: Exception, parameters: Mapping[str, Any]) -> tuple[Reason, str]:
    match error:
        case ParameterMissing():
            return Reason.PARAMETER_MISSING, _missing(error, parameters)
        case RenderLimit():
            return Reason.RENDER_LIMIT, str(error)
    return Reason.RENDER_FAILED, _sentence(error)


def _where(error: Exception, path: str) -> str:
    """Give file and line of the innermost template, and of the one that was rendered where that is another."""
    places: list[str] = []
    for frame, line in walk_tb(error.__traceback__):
        template = frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            places.append(f"{template.name}:{template.get_corresponding_lineno(line)}")
    if not places:
        return path
    # A page that extends another is left for that one first, and come back to for its blocks.
    ours = next((place for place in reversed(places) if place.startswith(f"{path}:")), places[0])
    return ours if ours == places[-1] else f"{places[-1]} (from {ours})"


def _missing(error: ParameterMissing, parameters: Mapping[str, Any]) -> str:
    if error.hint or error.name is None:
        return _short(error)
    if error.owner is missing:
        return f"parameter {_short(error.name)!r} is missing"
    owner = _path_to(error.owner, parameters)
    if owner:
        step = f"[{error.name}]" if isinstance(error.name, int) else f".{error.name}"
        return f"parameter {_short(owner + step)!r} is missing"
    return f"{_short(error.name)!r} is missing in what is {_article(error.owner)}"


def _path_to(owner: Any, parameters: Mapping[str, Any]) -> str | None:
    """Find where in the parameters an object stands: the template may have gone a long way to it."""
    if not isinstance(owner, dict | list):
        return None
    waiting: deque[tuple[str, Any]] = deque(islice(parameters.items(), _MOST_VALUES))
    for _ in range(_MOST_VALUES):
        if not waiting:
            break
        path, value = waiting.popleft()
        if value is owner:
            return path
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}", below) for key, below in islice(value.items(), _MOST_VALUES)]
        elif isinstance(value, list):
            waiting += [(f"{path}[{at}]", below) for at, below in enumerate(islice(value, _MOST_VALUES))]
    return None


def _article(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"of type {type(value).__name__}")


def _sentence(error: Exception) -> str:
    """Let those exceptions speak that name types and functions; others may quote the values they could not use."""
    if isinstance(error, RecursionError):
        return "templates, macros or data are nested too deep"
    if isinstance(error, TypeError | ZeroDivisionError | OverflowError | TemplateRuntimeError):
        return f"{type(error).__name__}: {_short(error)}"
    return f"{type(error).__name__} in an expression"


def _short(text: Any) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
