import os
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.rendering import files
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect


class Templates:
    """A folder of templates, and what its renderer says."""

    def __init__(self, folder):
        self.folder = folder
        self.said = []
        self.renderer = self.renderer_of()

    def renderer_of(self, look_every=0.0, **settings):
        return Renderer(
            TemplateSettings(path=self.folder, **settings),
            "email",
            {"html": Dialect.HTML, "txt": Dialect.PLAIN},
            flat_format="html",
            on_broken=self.said.append,
            look_every=look_every,
        )

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def replace(self, name, text):
        """Replace a file by another of the same size and time, the way a careful tool does."""
        path = self.folder / name
        before = path.stat()
        other = path.with_suffix(".new")
        other.write_text(text)
        assert other.stat().st_size == before.st_size
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(path)
        assert path.stat().st_mtime_ns == before.st_mtime_ns

    def text(self, name="a", locale=None, **parameters):
        return self.renderer.render(name, parameters, locale).texts["txt"]

    def html(self, name="a", locale=None, **parameters):
        return self.renderer.render(name, parameters, locale).texts["html"]

    def subject(self, name="a", **parameters):
        return self.renderer.render(name, parameters).subject

    def failure(self, source=None, name="a", **parameters):
        """Give the failure of a text template with this source."""
        if source is not None:
            self.write(f"email/{name}.txt.jinja2", source)
        with pytest.raises(Failure) as caught:
            self.renderer.render(name, parameters)
        return (str(caught.value.kind), str(caught.value.reason), caught.value.text)


@pytest.fixture
def templates(tmp_path: Path, monkeypatch):
    """A folder of templates that are whole as soon as they are written."""
    monkeypatch.setattr(files, "SAVING", 0.0)
    (tmp_path / "templates").mkdir()
    return Templates(tmp_path / "templates")


@pytest.fixture
def hasty(templates):
    """Half a tenth of a second and 10,000 characters are all a render may take."""
    templates.renderer = templates.renderer_of(time_limit=timedelta(milliseconds=50), size_limit=10_000)
    return templates
