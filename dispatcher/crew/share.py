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


def share(settings: Settings, number: int, of: int) -> Settings:
    """Give the settings for one of so many members.

    The paces of all notifiers are divided, so that all members together stay below them, and so are their connections,
    of which each has one at least.

    Args:
        settings: the whole.
        number: which one it is, from 1.
        of: how many there are.

    """
    if of == 1:
        return settings
    return settings.model_copy(update={"notifiers": _divided(settings.notifiers, number, of)})


def _divided(section: Tree, number: int, of: int) -> Tree:
    changed = {name: _part(name, getattr(section, name), number, of) for name in type(section).model_fields}
    return section.model_copy(update=changed)


def _part(name: str, value: Any, number: int, of: int) -> Any:
    match value:
        case BaseModel():
            return _divided(value, number, of)
        case Rate():
            return _slower(value, of)
        case dict():
            return {key: _part("", one, number, of) for key, one in value.items()}
        case int() if name == _CONNECTIONS:
            each, rest = divmod(value, of)
            return max(1, each + (number <= rest))
    return value


def _slower(rate: Rate, of: int) -> Rate:
    """Give a rate of which so many are never more than the whole one."""
    if rate.count >= of:
        return Rate(rate.count // of, rate.period)
    milliseconds = math.ceil(rate.period / _MILLISECOND * of / rate.count)
    return Rate(1, timedelta(milliseconds=milliseconds))
