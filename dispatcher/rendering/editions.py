"""An edition is the compiled state of one template file and of everything it refers to.

Each edition has an environment of its own, so that a layout or a macro can never be older than the template that uses
it. It is used as long as all files it was made of stay the same, and replaced as a whole. A new edition that does not
compile is not used while there is a good one: a typo in a save must not stop live mail.
"""

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from pathlib import Path
from time import monotonic

from jinja2 import BaseLoader, Environment, Template, TemplateNotFound, TemplateSyntaxError

from dispatcher.rendering.environment import TemplateEnvironment
from dispatcher.rendering.files import Broken, Snapshot, Unreadable, is_away, why_unreadable
from dispatcher.rendering.finder import TemplateFile
from dispatcher.rendering.limits import Meter

_KEPT = 500
"""So many editions at most, the one not used for longest is forgotten first."""

_BLINK = 0.01
"""Seconds until files that were changed while they were read are read again."""

_PATIENCE = 1.0
"""Seconds until files that could not be read are tried again, where there is a good edition."""


class Edition:
    """A template file, compiled with all it refers to by name.

    Raises:
        Broken: it does not compile, or something it needs is missing.

    """

    def __init__(self, snapshot: Snapshot, file: TemplateFile, queue: str, meter: Meter) -> None:
        self.snapshot = snapshot
        loader = _Loader(snapshot)
        self._environment = TemplateEnvironment(loader, _Resolver(snapshot, queue), file.dialect, meter)
        self.template = self._load(file.path)

    def _load(self, name: str) -> Template:
        """Load a template, then what it refers to."""
        template = compiled(self._environment, name, None, name)
        while self._environment.references:
            reference, parent, line = self._environment.references.pop()
            compiled(self._environment, reference, parent, f"{parent}:{line}")
        return template

    def load_also(self, names: list[str]) -> None:
        """Load what the edition before has come to include while rendering, so that it cannot break unnoticed.

        Raises:
            Broken: one of them does not compile.

        """
        for name in names:
            if self.snapshot.there(name):
                self._load(name)


class _Loader(BaseLoader):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002 - Jinja's
        # The signature is taken before the reading: a change in between is noticed before the next render.
        if not self._snapshot.there(template):
            raise TemplateNotFound(template)
        path = self._snapshot.folder / template
        try:
            source = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            if is_away(error):
                raise Unreadable(why_unreadable(template, error)) from error
            raise Broken(f"{template}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Broken(f"{template}: is not UTF-8, at byte {error.start}") from error
        if not source.strip():
            raise Broken(f"{template}: is empty; where that is meant, write {{# empty #}}")
        return source, str(path), None


class _Resolver:
    """What a template refers to is looked for in the folder of the queue first."""

    def __init__(self, snapshot: Snapshot, queue: str) -> None:
        self._snapshot = snapshot
        self._queue = queue

    def __call__(self, reference: str, parent: str) -> str:
        steps = [step for step in reference.split("/") if step not in {"", "."}]
        plain = "/".join(steps)
        if not steps or ".." in steps or "\\" in plain or "\0" in plain:
            raise TemplateNotFound(reference)
        there = [name for name in (f"{self._queue}/{plain}", plain) if self._snapshot.there(name)]
        # A file may extend the one it overrides: what refers to its own name means the other, where there is one.
        return next((name for name in there if name != parent), there[0] if there else plain)


class _Entry:
    """What is known of one template file: the last good edition, and what is wrong with the files since."""

    def __init__(self) -> None:
        self.edition: Edition | None = None
        self.snapshot: Snapshot | None = None
        self.trouble: str | None = None
        self.away = False  # whether that is no fault of the template
        self.saving = False  # whether a file is being written, as it seems
        self.sure_until = -inf  # before then nobody looks whether a file has changed, on the monotonic clock
        self.again = inf  # when to look again though nothing seems to have changed, on the monotonic clock


class Editions:
    """The editions of one queue.

    Attributes:
        saved_in: seconds until files that `get` was asked for are surely whole; set to 0 by whoever wants to know.

    """

    def __init__(
        self,
        folder: Path,
        queue: str,
        meter: Meter,
        on_broken: Callable[[str], None] | None,
        look_every: float = 0.0,
    ) -> None:
        self._folder = folder
        self._queue = queue
        self._meter = meter
        self._on_broken = on_broken
        self._look_every = look_every
        self._entries: OrderedDict[TemplateFile, _Entry] = OrderedDict()
        self.saved_in = 0.0

    def get(self, file: TemplateFile) -> Template:
        """Give the template as it lies on disk now, or the last good one.

        Raises:
            Broken: it is broken or cannot be read, and no good one was seen.

        """
        now = monotonic()
        entry = self._entries.get(file)
        if entry is not None and entry.sure_until > now and entry.edition is not None:
            return entry.edition.template
        entry = self._entries.setdefault(file, _Entry())
        self._entries.move_to_end(file)
        if len(self._entries) > _KEPT:
            self._entries.popitem(last=False)
        if entry.snapshot is None or entry.again <= now or entry.snapshot.changed():
            self._renew(entry, file)
        if entry.saving:
            self.saved_in = max(self.saved_in, entry.again - monotonic(), _BLINK)
        elif entry.trouble is None:
            entry.sure_until = now + self._look_every
        if entry.edition is None:
            raise (Unreadable if entry.away else Broken)(entry.trouble)
        return entry.edition.template

    def build(self, file: TemplateFile) -> None:
        """Compile a file for the sake of knowing whether it does.

        Raises:
            Broken: it does not.

        """
        Edition(Snapshot(self._folder), file, self._queue, self._meter)

    def _renew(self, entry: _Entry, file: TemplateFile) -> None:
        before, told = entry.edition, entry.trouble
        entry.snapshot, entry.trouble, entry.away, entry.again = Snapshot(self._folder), None, False, inf
        edition = None
        try:
            edition = Edition(entry.snapshot, file, self._queue, self._meter)
            edition.load_also(before.snapshot.present() if before else [])
        except Broken as error:
            edition, entry.trouble, entry.away = None, str(error), isinstance(error, Unreadable)
        wait = entry.snapshot.saved_in(before.snapshot if before else None)
        if before and not wait and entry.snapshot.changed():
            wait = _BLINK  # while it was read
        entry.saving = wait > 0
        if entry.saving:
            entry.again = monotonic() + wait
        elif entry.away:  # no file has to change for it to be over
            entry.again = monotonic() + (_PATIENCE if before else 0.0)
        if before and entry.saving:
            entry.trouble = told
        elif edition:
            entry.edition = edition
        elif before and told != entry.trouble and self._on_broken:
            self._on_broken(f"{entry.trouble}; going on with the version before")


def compiled(environment: Environment, name: str, parent: str | None, where: str) -> Template:
    """Load a template.

    Args:
        environment: which to load it into.
        name: its path in the folder of templates, or what the template `parent` calls it.
        parent: the template that refers to it.
        where: who asks for it, for the text of the error.

    Raises:
        Broken: it is not there, or does not compile.

    """
    try:
        return environment.get_template(name, parent)
    except TemplateNotFound as error:
        raise Broken(f"{where}: there is no {error.name}") from error
    except TemplateSyntaxError as error:
        raise Broken(f"{error.name}:{error.lineno}: {error.message}") from error
    except (SyntaxError, RecursionError, ValueError) as error:
        # Nested too deep for Jinja or for Python's own compiler.
        raise Broken(f"{name}: cannot be compiled: {type(error).__name__}") from error
