"""Which files answer to the name of a template.

For the queue `email` and its formats html and txt, the name `confirm_email` and the locale `de-AT`, in this order; the
first line with any file wins, and all formats in it are rendered:

    email/confirm_email.de-AT.html.jinja2   email/confirm_email.de-AT.txt.jinja2
    confirm_email.de-AT.jinja2
    email/confirm_email.de.html.jinja2      email/confirm_email.de.txt.jinja2
    confirm_email.de.jinja2
    email/confirm_email.html.jinja2         email/confirm_email.txt.jinja2
    confirm_email.jinja2
"""

import errno
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from dispatcher.rendering.files import signature, why_unreadable
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.texts import Dialect

EXTENSION = ".jinja2"

ENDINGS = frozenset({"txt", "html", "md", "json"})
"""What tells the format of a file, for whatever queue it is."""

_KEPT = 500
"""So many names at most, the one looked for longest ago is forgotten first."""


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A file of templates.

    Attributes:
        path: relative to the folder of templates, with `/`.
        format: what it makes: `html`, `txt`.
        dialect: what that is written in.

    """

    path: str
    format: str
    dialect: Dialect


class Finder:
    """Knows where the templates of one queue lie."""

    def __init__(
        self,
        folder: Path,
        queue: str,
        formats: Mapping[str, Dialect],
        flat_format: str | None,
        look_every: float = 0.0,
    ) -> None:
        self._folder = folder
        self._queue = queue
        self._formats = formats
        self._flat_format = flat_format
        self._look_every = look_every
        self._found: OrderedDict[tuple[str, str | None], tuple[float, list[TemplateFile]]] = OrderedDict()

    def find(self, name: str, locale: str | None) -> list[TemplateFile]:
        """Give the files to render, in the order of the formats.

        Raises:
            Failure: there is none, the folder cannot be read, or the name would leave it.

        """
        now = monotonic()
        sure_until, known = self._found.get((name, locale), (0.0, None))
        if known is not None and sure_until > now:
            return known
        try:
            found = self._find(name, locale)
        except Failure as failure:
            if failure.reason is not Reason.TEMPLATE_MISSING:
                raise
            found = self._find(name, locale)  # a folder may just have been replaced as a whole, as Kubernetes does
        if self._look_every:
            self._found[name, locale] = now + self._look_every, found
            self._found.move_to_end((name, locale))
            if len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return found

    def _find(self, name: str, locale: str | None) -> list[TemplateFile]:
        if not _stays_inside(name):
            raise Failure(Kind.CONTENT, Reason.MALFORMED, f"template: {name[:80]!r} is not the name of a template")
        looked_for = []
        for tag in _tags(locale):
            for group in self._groups(name + tag):
                found = [file for file in group if self._may_be_there(file)]
                if found:
                    return found
                looked_for += [file.path for file in group]
        self.check()
        raise Failure(
            Kind.TRANSIENT,
            Reason.TEMPLATE_MISSING,
            f"template {name!r} is missing: none of {', '.join(looked_for)} is in the folder of templates",
        )

    def check(self) -> None:
        """Look whether the folder of templates can be read, and the queue's own, if there is one.

        Raises:
            Failure: it cannot; as long as that is so, no file is missing.

        """
        for folder, forgiven in ((self._folder, set()), (self._folder / self._queue, {errno.ENOENT, errno.ENOTDIR})):
            try:
                with os.scandir(folder) as entries:
                    next(entries, None)
            except OSError as error:
                if error.errno not in forgiven:
                    text = why_unreadable(f"the folder of templates {folder}", error)
                    raise Failure(Kind.OUTAGE, Reason.TEMPLATES_UNREADABLE, text) from None

    def everything(self) -> list[TemplateFile]:
        """Give every file that this queue could use, macros and layouts too, sorted by path."""
        own = [self._described(path) for path in self._below(self._folder / self._queue)]
        if self._flat_format is None:
            return sorted(own, key=lambda file: file.path)
        # What carries a format in its name belongs to a folder of some queue, and is that queue's to check.
        flat = [path for path in self._below(self._folder) if _format(path) is None]
        return sorted({*own, *map(self._described, flat)}, key=lambda file: file.path)

    def _below(self, folder: Path) -> Iterator[Path]:
        """Give the files of a folder and of those in it.

        Kubernetes keeps what it mounts in a folder `..2026_11_21…` and links to it: there is each file once more.
        """
        for path in folder.rglob(f"*{EXTENSION}"):
            if not any(step.startswith("..") for step in path.relative_to(self._folder).parts):
                yield path

    def _may_be_there(self, file: TemplateFile) -> bool:
        """Tell whether there is such a file; where nobody can tell, whoever reads it finds out."""
        try:
            return signature(self._folder / file.path) is not None
        except OSError:
            return True

    def _described(self, path: Path) -> TemplateFile:
        form = _format(path)
        known = form if form in self._formats else self._flat_format
        return self._file(path.relative_to(self._folder).as_posix(), known or next(iter(self._formats)))

    def _groups(self, stem: str) -> Iterator[list[TemplateFile]]:
        yield [self._file(f"{self._queue}/{stem}.{form}{EXTENSION}", form) for form in self._formats]
        if self._flat_format:
            yield [self._file(f"{stem}{EXTENSION}", self._flat_format)]

    def _file(self, path: str, form: str) -> TemplateFile:
        return TemplateFile(path, form, self._formats[form])


def _format(path: Path) -> str | None:
    """Give the format that a file carries in its name."""
    written = Path(path.stem).suffix.removeprefix(".")
    return written if written in ENDINGS else None


def _tags(locale: str | None) -> Iterator[str]:
    """Give what stands behind the name: `.de-AT`, `.de`, nothing; spelled as BCP 47 recommends, whoever asks how."""
    subtags = locale.replace("_", "-").split("-") if locale else []
    for length in range(len(subtags), 0, -1):
        yield "." + "-".join([subtags[0].lower(), *map(_spelled, subtags[1:length])])
    yield ""


def _spelled(subtag: str) -> str:
    """`AT` is a region, `Hant` a script; everything else is small."""
    shapes = {2: subtag.upper(), 4: subtag.title()}
    return shapes.get(len(subtag), subtag.lower())


def _stays_inside(name: str) -> bool:
    """Look again at what the contract has looked at already: here is where it would do harm."""
    outside = {"", ".", ".."}
    return not outside & set(name.split("/")) and not any(sign in name for sign in "\\\0:")
