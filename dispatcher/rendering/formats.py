"""What a template may make. This is the one place that knows the formats; a notifier says which of them it uses."""

from typing import NamedTuple


class Format(NamedTuple):
    """What is special about a format.

    Attributes:
        markup: whether it is HTML: what is printed is escaped, and the subject is turned back into plain characters.
            Otherwise a text: it begins with its first line that is not empty, and its subject is no part of it.

    """

    markup: bool


FORMATS = {"txt": Format(markup=False), "html": Format(markup=True)}
"""By their endings; where several have a subject, the first of them is taken."""
