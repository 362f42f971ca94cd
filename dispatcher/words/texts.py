"""What rendering gives and notifiers take."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template made of the parameters.

    Attributes:
        texts: by format: `html`, `txt`.
        subject: the template's own subject, where it has one; one line.
        template: the file that was rendered, relative to the folder of templates, for error texts.

    """

    texts: Mapping[str, str]
    subject: str | None
    template: str
