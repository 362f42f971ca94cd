"""What a template is compiled to: Jinja's code, with the questions of the meter in it.

What is printed in a row, as `<p>{{ a }}: {{ b }}</p>` is, is put together and counted as one text. A short value that
needs no escaping goes through the meter once; where it is printed again, that costs no call.
"""
# ruff: noqa: N802, D102 - the visitors have Jinja's names, and do what they do there

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup


class Generator(CodeGenerator):
    """Writes the questions of the meter into the compiled template."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._value: str | None = None  # what each value of a row is called; nothing outside of rows

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        environment: Any = self.environment
        environment.references += [(name, self.name, line) for name, line in _required(node)]
        super().visit_Template(node, frame)

    def enter_frame(self, frame: Frame) -> None:
        """Ask at each turn of a loop, and at the beginning of each macro, block and file."""
        super().enter_frame(frame)
        self.writeline("environment.meter.tick()")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.join_texts(context.eval_ctx, (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self._built(node, super().visit_List, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self._built(node, super().visit_Dict, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx == "load":
            self._built(node, super().visit_Tuple, frame)
        else:
            super().visit_Tuple(node, frame)

    def _built(self, node: Any, visit: Callable[[Any, Frame], None], frame: Frame) -> None:
        self.write("environment.meter.built(")
        visit(node, frame)
        self.write(")")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        """Print a row of values as one text."""
        constant = all(isinstance(one, nodes.TemplateData) for one in node.nodes)
        if constant or not self._is_usual(frame):
            super().visit_Output(node, frame)
            return
        if frame.require_output_check and self.has_known_extends:
            return  # as Jinja: outside the blocks of a child nothing is printed
        row, self._value = self.temporary_identifier(), self.temporary_identifier()
        self.writeline(f"{row} = []")
        into_row = frame.copy()
        into_row.buffer = row
        super().visit_Output(node, into_row)
        self._value = None
        text = f"environment.meter.join({row})"
        self.writeline(f"yield {text}" if frame.buffer is None else f"{frame.buffer}.append({text})", node)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """Print a value in one step, where it is known how: count it, and escape it."""
        if self._value is None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(f"({self._value} if type({self._value} := ")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if self._value is None:
            super()._output_child_post(node, frame, finalize)
        else:
            known = f"{self._value} in environment.meter.harmless"
            how = "html" if frame.eval_ctx.autoescape else "plain"
            self.write(f") is str and {known} else environment.meter.print_{how}({self._value}))")

    def _is_usual(self, frame: Frame) -> bool:
        """Tell whether it is known that values are escaped for HTML, or that they are printed as they are."""
        of_a_dialect = frame.eval_ctx.autoescape and self.environment.markup is not Markup  # type: ignore[attr-defined]
        return not frame.eval_ctx.volatile and not of_a_dialect

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        """Escape constants the way of the dialect, not for HTML; where nothing is escaped, leave them as they are."""
        markup = self.environment.markup  # type: ignore[attr-defined]
        if markup is None or not frame.eval_ctx.autoescape or isinstance(node, nodes.TemplateData):
            return super()._output_child_to_const(node, frame, finalize)
        return str(finalize.const(markup.escape(node.as_const(frame.eval_ctx))))


def _required(template: nodes.Template) -> Iterable[tuple[str, int]]:
    """Give what a template names literally and cannot do without, with the line."""
    kinds = (nodes.Extends, nodes.Import, nodes.FromImport, nodes.Include)
    for node in template.find_all(kinds):
        # All four have it; their common base does not say so.
        name: Any = getattr(node, "template", None)
        if isinstance(name, nodes.Const) and isinstance(name.value, str) and not getattr(node, "ignore_missing", False):
            yield name.value, node.lineno
