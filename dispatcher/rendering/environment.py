"""Jinja the way templates of strangers are rendered: sandboxed, escaping, stoppable, and strict about gaps."""

from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from string import Formatter
from typing import Any

from jinja2 import BaseLoader, Undefined, UndefinedError, nodes
from jinja2.exceptions import TemplateRuntimeError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEscapeFormatter, SandboxedFormatter
from jinja2.utils import missing
from markupsafe import Markup

from dispatcher.rendering.codegen import Generator
from dispatcher.rendering.dialects import MARKUP
from dispatcher.rendering.escaping import adapt, filters_of, join_of, macro_of, rebind
from dispatcher.rendering.guards import GUARDED_FILTERS, check_field, check_method, check_operation, guard_filter
from dispatcher.rendering.limits import Meter
from dispatcher.words.texts import Dialect

_OF_ALL_OBJECTS = frozenset(dir(dict))
"""What `object.name` means for every object, before its own fields."""


class ParameterMissing(UndefinedError):
    """A template has used what is not there.

    Attributes:
        hint: Jinja's own words, where it has some.
        name: what is missing; a number in a list.
        owner: the object it was looked for in; Jinja's `missing` for a parameter.

    """

    def __init__(self, hint: str | None, name: str | int | None, owner: Any, text: str | None) -> None:
        super().__init__(text)
        self.hint = hint
        self.name = name
        self.owner = owner


class Missing(Undefined):
    """A missing parameter: may be asked for and compared, but not printed, looped over or computed with."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        raised: Any = partial(ParameterMissing, hint, name, obj) if exc is UndefinedError else exc
        super().__init__(hint, obj, name, raised)

    __str__ = __iter__ = __len__ = __contains__ = Undefined._fail_with_undefined_error  # noqa: SLF001 - documented


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """What the templates of one edition share.

    Attributes:
        markup: what is safe in its dialect; nothing where values are printed as they are.
        meter: counts the render that is under way.
        references: what compiled templates must have to work: name, by which template, in which line.

    """

    code_generator_class = Generator
    intercepted_binops = frozenset({"+", "*", "**", "%", "/", "//"})

    def __init__(self, loader: BaseLoader, resolve: Callable[[str, str], str], dialect: Dialect, meter: Meter) -> None:
        self.markup = MARKUP[dialect]
        self.meter = meter
        self.references: list[tuple[str, str | None, int]] = []
        self._resolve = resolve
        super().__init__(
            loader=loader,
            autoescape=self.markup is not None,  # for all that is included and imported, too
            undefined=Missing,
            finalize=meter.count,
            auto_reload=False,
        )
        self.concat = meter.concat  # type: ignore[method-assign]  # Jinja makes it replaceable
        self._own_dialect = self.markup is not None and self.markup is not Markup
        if self.markup is not None and self._own_dialect:
            self.filters = filters_of(self.markup, self.filters)
            self.join, self.macro = join_of(self.markup), macro_of(self.markup)
        else:
            self.join, self.macro = markup_join, Macro
        self.filters.update((name, guard_filter(name, self.filters[name], meter)) for name in GUARDED_FILTERS)
        # Filler text by the gigabyte, which no mail needs.
        del self.globals["lipsum"]

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Give what every template knows. Nothing is added later, so it need not be looked up in two places."""
        return {**self.globals, **(d or {})}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give `obj.attribute`; of a plain object of JSON without the detour by an exception."""
        if type(obj) is dict and attribute in obj and attribute not in _OF_ALL_OBJECTS:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Keep to what Jinja allows, without the functions behind properties, which it forgets."""
        return not isinstance(obj, property) and super().is_safe_attribute(obj, attr, value)

    def join_path(self, template: str, parent: str) -> str:
        """Find what `template` means, where `parent` refers to it."""
        return self._resolve(str(template), parent)

    def join_texts(self, evaluation: EvalContext, parts: Iterable[Any]) -> str:
        """Carry out `a ~ b`."""
        self.meter.check(sum(len(part) if isinstance(part, str) else self.meter.weigh(part) for part in parts))
        return self.join(parts) if evaluation.autoescape else str_join(parts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Estimate the result of an operator before it is computed."""
        check_operation(operator, left, right, self.meter)
        if self.markup is not None and self._own_dialect:
            left, right = adapt(self.markup, left), adapt(self.markup, right)
        return super().call_binop(context, operator, left, right)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - Jinja's signature
    ) -> str:
        """Write the code of a template."""
        code = super()._generate(source, name, filename, defer_init)
        return rebind(code) if self._own_dialect else code

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Estimate the result of a method before it is called."""
        owner = getattr(function, "__self__", None)
        if isinstance(owner, (str, bytes, int)):
            check_method(owner, function.__name__, [*args, *kwargs.values()], self.meter)
        made = super().call(context, function, *args, **kwargs)
        return self.meter.built(made) if function is dict else made

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Give `str.format` a formatter that is sandboxed and knows how wide a mail is."""
        if super().wrap_str_format(value) is None:
            return None
        text: str = value.__self__
        formatter: Formatter = (
            _EscapingFormatter(self, escape=text.escape) if isinstance(text, Markup) else _Fields(self)
        )

        def formatted(*args: Any, **kwargs: Any) -> str:
            self.meter.weigh([args, kwargs])
            values = args[0] if value.__name__ == "format_map" else kwargs
            return type(text)(formatter.vformat(text, args, values))

        return formatted


class _Fields(SandboxedFormatter):
    made = 0

    def format_field(self, value: Any, format_spec: str) -> Any:
        check_field(format_spec)
        made = super().format_field(value, format_spec)
        self.made += len(made)
        self._env.meter.check(self.made)  # type: ignore[attr-defined]  # it is ours
        return made


class _EscapingFormatter(SandboxedEscapeFormatter):
    made = 0

    def format_field(self, value: Any, format_spec: str) -> str:
        check_field(format_spec)
        made = super().format_field(value, format_spec)
        self.made += len(made)
        self._env.meter.check(self.made)  # type: ignore[attr-defined]  # likewise
        return made
