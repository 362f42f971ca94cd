"""From the name of a template and parameters to texts."""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from dispatcher.rendering.editions import Editions
from dispatcher.rendering.failures import failure_of
from dispatcher.rendering.files import Broken
from dispatcher.rendering.finder import Finder, TemplateFile
from dispatcher.rendering.limits import Meter
from dispatcher.rendering.plain_text import plain_text
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.rendering.subject import keep_silent, subject_of
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect, Rendered

_LOOKS = 5
"""So often a file that is being saved is waited for, each time until it could be whole."""


class Renderer:
    """Renders the templates of one queue. It is not to be called from several threads at once."""

    def __init__(
        self,
        settings: TemplateSettings,
        queue: str,
        formats: Mapping[str, Dialect],
        *,
        flat_format: str | None = None,
        on_broken: Callable[[str], None] | None = None,
        look_every: float = 0.0,
    ) -> None:
        """Prepare; no file is looked at yet.

        Args:
            settings: where the templates lie, and the limits.
            queue: whose templates; also the name of their folder.
            formats: which formats its notifier uses, and what they are written in; all are rendered where they exist.
            flat_format: what `templates/<name>.jinja2` is, where such files are used.
            on_broken: is told in one sentence of a template that broke after a good version was seen.
            look_every: so many seconds after a look at its files a template is taken to be as it was.

        """
        self._seconds = settings.time_limit.total_seconds()
        self._formats = formats
        self._finder = Finder(settings.path, queue, formats, flat_format, look_every)
        self._meter = Meter(settings.size_limit)
        self._editions = Editions(settings.path, queue, self._meter, on_broken, look_every)

    def render(self, name: str, parameters: Mapping[str, Any], locale: str | None = None) -> Rendered:
        """Render all formats of a template, as its files are at this moment; one that is being saved is left alone.

        Args:
            name: as in the message: `confirm_email`, `events/submitted`.
            parameters: what the template fills in; never changed.
            locale: BCP 47 tag of the variant to prefer.

        Raises:
            Failure: transient where a file is missing or broken, content where the parameters do not suit it, outage
                where no file can be read.

        """
        found = self._finder.find(name, locale)
        self._meter.start(perf_counter() + self._seconds, self._seconds)
        texts, subjects = {}, {}
        for file in found:
            texts[file.format], subjects[file.format] = self._render(file, parameters)
        if "txt" in self._formats and "txt" not in texts and self._formats["html"] is Dialect.HTML:
            texts["txt"] = plain_text(texts["html"])
        # Of plain text first: there nobody had to think of entities.
        spoken = [
            subjects[form] for form in sorted(subjects, key=lambda form: self._formats[form] is not Dialect.PLAIN)
        ]
        return Rendered(texts, next(filter(None, spoken), None), found[0].path)

    async def render_once_saved(self, name: str, parameters: Mapping[str, Any], locale: str | None = None) -> Rendered:
        """Render as `render` does, but wait for files that are being saved at this moment, up to a second in all.

        Raises:
            Failure: as `render`.

        """
        for _ in range(_LOOKS):
            self._editions.saved_in = 0.0
            try:
                rendered = self.render(name, parameters, locale)
            except Failure:
                if not self._editions.saved_in:
                    raise
            else:
                if not self._editions.saved_in:
                    return rendered
            await asyncio.sleep(self._editions.saved_in)
        return self.render(name, parameters, locale)

    def check(self) -> None:
        """Look whether the folder of templates can be read.

        Raises:
            Failure: it cannot; the text says why.

        """
        self._finder.check()

    def compile_all(self) -> list[tuple[str, str | None]]:
        """Compile every file below the queue's folder and every flat one.

        Returns:
            path and what is wrong with it, `None` where nothing is, sorted by path.

        """
        return [(file.path, self._trouble(file)) for file in self._finder.everything()]

    def _trouble(self, file: TemplateFile) -> str | None:
        try:
            self._editions.build(file)
        except Broken as error:
            return str(error)
        return None

    def _render(self, file: TemplateFile, parameters: Mapping[str, Any]) -> tuple[str, str | None]:
        try:
            return self._run(file, parameters)
        except Exception as error:  # noqa: BLE001 - whatever a template can bring about is its fault, not ours
            failure = failure_of(error, file.path, parameters)
        finally:
            self._meter.forget()
        # Raised out here, so that the failure does not hold on to the template's frames and all they refer to.
        try:
            raise failure
        finally:
            del failure  # nor this frame on to it, and so on the parameters

    def _run(self, file: TemplateFile, parameters: Mapping[str, Any]) -> tuple[str, str | None]:
        template = self._editions.get(file)
        context = template.new_context(dict(parameters))
        page = file.dialect is Dialect.HTML  # where the subject may be printed, as the title
        if not page:
            keep_silent(context)
        text = self._meter.concat(template.root_render_func(context))
        subject = subject_of(context, file.path, markup=page)
        return text if page else text.lstrip("\r\n"), subject
