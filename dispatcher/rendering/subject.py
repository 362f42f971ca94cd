"""The subject that a template gives itself: its block `subject`, as one line."""

import re
from collections.abc import Callable, Iterator
from html import unescape

from jinja2.runtime import Context

from dispatcher.words.errors import Failure, Kind, Reason

NAME = "subject"
Block = Callable[[Context], Iterator[str]]

_BREAKS = re.compile("[\0-\x08\n-\x1f\x7f-\x9f\u2028\u2029]")


def keep_silent(context: Context) -> None:
    """Take the block out of what is printed: for texts, where it is no part of what people read.

    It has to be called before the template runs, which adds the blocks of the parents behind.
    """
    context.blocks.setdefault(NAME, []).insert(0, _silent)


def subject_of(context: Context, path: str, *, markup: bool) -> str | None:
    """Run the block once more, by itself.

    Args:
        context: of a template that has run, so that its blocks are complete.
        path: of the template, for the text of the failure.
        markup: whether it makes HTML, which is turned back into plain characters.

    Returns:
        the subject, or `None` without a block or with an empty one.

    Raises:
        Failure: there is a line break or another control character in it.

    """
    blocks: list[Block] = [block for block in context.blocks.get(NAME, []) if block is not _silent]
    if not blocks:
        return None
    printed = context.environment.concat(blocks[0](context))
    text = (unescape(printed) if markup else printed).strip()
    if _BREAKS.search(text):
        said = f"{path}: the subject has a line break or another control character in it"
        raise Failure(Kind.CONTENT, Reason.BAD_HEADER, said)
    return text or None


def _silent(_: Context) -> Iterator[str]:
    yield from ()
