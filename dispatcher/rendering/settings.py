"""Where the templates lie, and what one render may cost."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from dispatcher.words.sections import Duration, Section


class TemplateSettings(Section):
    """The section `service.templates`."""

    path: Path = Field(default=Path("templates"), description="The folder of templates, with one folder per queue.")
    time_limit: Duration = Field(
        default=timedelta(seconds=2), gt=timedelta(0), description="The longest that one render may take."
    )
    size_limit: int = Field(default=5_000_000, gt=0, description="The most characters of one rendered text.")
