"""What makes Jinja escape in another dialect than HTML.

Jinja's runtime and its compiled templates know one kind of `Markup` and one `escape`. A compiled template gets its own
names for both; filters, macros and blocks that give Jinja's kind have it made into ours.
"""

import json
from collections.abc import Callable, Iterable
from functools import partial, update_wrapper
from typing import Any

from jinja2.runtime import Macro
from markupsafe import Markup

from dispatcher.rendering.dialects import BlockKit, json_of

HTML_ONLY = ("urlize", "xmlattr")
"""Filters that write tags."""

_HEADER = "from jinja2.runtime import "
_NAMES = (
    "; Markup = environment.markup; escape = Markup.escape; markup_join = environment.join; Macro = environment.macro"
)


def rebind(source: str) -> str:
    """Let the code of a compiled template take its names from its environment; on the same line, as lines count."""
    first, end, rest = source.partition("\n")
    if not first.startswith(_HEADER):
        raise AssertionError("Jinja writes its templates otherwise than we know")
    return f"{first}{_NAMES}{end}{rest}"


def macro_of(markup: type[Markup]) -> type[Macro]:
    """Give macros whose results are of a dialect."""

    class DialectMacro(Macro):
        def _invoke(self, arguments: list[Any], autoescape: bool) -> str:  # noqa: FBT001 - Jinja's signature
            result: str = adapt(markup, super()._invoke(arguments, autoescape))
            return result

    return DialectMacro


def join_of(markup: type[Markup]) -> Callable[[Iterable[Any]], str]:
    """Give what puts texts together: as soon as one of them is safe, the others are escaped."""

    def join(parts: Iterable[Any]) -> str:
        known = list(parts)
        if any(hasattr(part, "__html__") for part in known):
            return markup("").join(known)
        return "".join(map(str, known))

    return join


def filters_of(markup: type[Markup], filters: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Give the filters of a dialect instead of those for HTML."""
    ours = {name: _adapted(markup, function) for name, function in filters.items() if name not in HTML_ONLY}
    ours |= {
        "safe": markup,
        "e": markup.escape,
        "escape": markup.escape,
        "forceescape": lambda value: markup.escape(str(value)),
        "replace": _escaping_first(markup, ours["replace"]),
        "join": _escaping_items(markup, ours["join"]),
        # Jinja's escapes for HTML and calls that safe. Elsewhere than in JSON it is a text like any other.
        "tojson": json_of if issubclass(markup, BlockKit) else _plain_json,
    }
    return ours


def _plain_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def adapt(markup: type[Markup], value: Any) -> Any:
    """Make what Jinja takes for safe into what is safe in the dialect."""
    return markup(value) if type(value) is Markup else value


def _adapted(markup: type[Markup], function: Callable[..., Any]) -> Callable[..., Any]:
    def adapted(*args: Any, **kwargs: Any) -> Any:
        return adapt(markup, function(*map(partial(adapt, markup), args), **kwargs))

    # Jinja reads from the attributes of a filter whether it wants to be given the environment.
    return update_wrapper(adapted, function)


def _escaping_first(markup: type[Markup], function: Callable[..., Any]) -> Callable[..., Any]:
    """`replace` with something safe makes all of the text safe: so what it replaces in is escaped before."""

    def escaping(context: Any, subject: Any, *args: Any, **kwargs: Any) -> Any:
        safe = any(hasattr(value, "__html__") for value in (*args, *kwargs.values()))
        return function(context, markup.escape(subject) if safe else subject, *args, **kwargs)

    return update_wrapper(escaping, function)


def _escaping_items(markup: type[Markup], function: Callable[..., Any]) -> Callable[..., Any]:
    """`join` likewise, with each of the items and what stands between them."""

    def escaping(context: Any, items: Any, d: Any = "", attribute: Any = None) -> Any:
        if attribute is None:
            items = list(items)
            if any(hasattr(value, "__html__") for value in (d, *items)):
                return markup.escape(d).join(items)
        return function(context, items, d, attribute)

    return update_wrapper(escaping, function)
