"""What one member may use of what the settings allow to all of them together."""

import math
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from dispatcher.settings import Settings
from dispatcher.words.rates import Rate

_CONNECTIONS = "connections"
_MILLISECOND = timedelta(milliseconds=1)

Tree = TypeVar("Tree", bound=BaseModel)


def share(settings: Settings, of: int) -> Settings:
    """Give the settings for one of so many members.

    The paces of all notifiers are divided, so that all members together stay below them, and so are their connections,
    of which each has one at least.
    """
    return settings if of == 1 else settings.model_copy(update={"notifiers": _divided(settings.notifiers, of)})


def _divided(section: Tree, of: int) -> Tree:
    changed = {name: _part(name, getattr(section, name), of) for name in type(section).model_fields}
    return section.model_copy(update=changed)


def _part(name: str, value: Any, of: int) -> Any:
    match value:
        case BaseModel():
            return _divided(value, of)
        case Rate():
            return _slower(value, of)
        case dict():
            return {key: _part("", one, of) for key, one in value.items()}
        case int() if name == _CONNECTIONS:
            return math.ceil(value / of)
    return value


def _slower(rate: Rate, of: int) -> Rate:
    """Give a rate of which so many are never more than the whole one."""
    if rate.count >= of:
        return Rate(rate.count // of, rate.period)
    milliseconds = math.ceil(rate.period / _MILLISECOND * of / rate.count)
    return Rate(1, timedelta(milliseconds=milliseconds))
