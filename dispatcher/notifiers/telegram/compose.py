"""From the texts of a template to the messages that go out, one after the other: file, pieces of text, buttons.

The same template and parameters always give the same messages: a later attempt goes on where an earlier one ended.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.telegram.files import Attached, attached, web_address
from dispatcher.notifiers.telegram.markup import BadMarkup, Run, is_blank, units, visible, well_formed, write_html
from dispatcher.notifiers.telegram.read_html import read_html, strip_tags
from dispatcher.notifiers.telegram.read_markdown import read_markdown, strip_marks
from dispatcher.notifiers.telegram.split import fits, split
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.texts import Rendered

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
"""UTF-16 units that may be seen of a message, and of a caption (Bot API, "sendMessage", "sendPhoto")."""

MOST_PIECES = 20
"""Messages that one text may become; nobody reads more."""

BUTTON_SCHEMES = frozenset({"http", "https", "tg"})

HTML, MARKDOWN = "HTML", "MarkdownV2"


@dataclass(frozen=True, slots=True)
class Marked:
    """What is known of a format with markup.

    Attributes:
        mode: what Telegram calls it.
        read: gives the runs.
        strip: makes plain text of what cannot be read.

    """

    mode: str
    read: Callable[[str], list[Run]]
    strip: Callable[[str], str]


FORMATS: Mapping[str, Marked] = {
    "html": Marked(HTML, read_html, strip_tags),
    "md": Marked(MARKDOWN, read_markdown, strip_marks),
}
"""By their endings, the one to prefer first; without any of them `txt` is sent."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A text that fits into one message.

    Attributes:
        text: as it is sent.
        mode: what it is written in; nothing for plain text.
        seen: what a reader sees of it.
        plain: what is sent where Telegram does not take the markup: the template's own plain text, or what is seen.

    """

    text: str
    mode: str | None
    seen: str
    plain: str

    def without_markup(self) -> "Piece":
        """Give it as plain text."""
        return Piece(self.plain, None, self.plain, self.plain)

    def as_caption(self) -> "Piece":
        """Give it as a caption: its plain text must be short as well."""
        return self if units(self.plain) <= CAPTION_UNITS else replace(self, plain=self.seen)


NO_TEXT = Piece("", None, "", "")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message of the chat, as it goes out.

    Attributes:
        piece: its text, or its caption.
        file: what it shows.
        buttons: text and address of each, by row.

    """

    piece: Piece
    file: Attached | None = None
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()

    def without_markup(self) -> "Outgoing":
        """Give what is sent when Telegram does not take the markup."""
        return replace(self, piece=self.piece.without_markup())


def compose(notification: TelegramNotification, rendered: Rendered) -> tuple[list[Outgoing], str | None]:
    """Give the messages, and what somebody should know of the template.

    Raises:
        Failure: nothing can be made of it (content).

    """
    buttons = _buttons(notification)
    file = attached(notification)
    pieces, remark = _pieces(rendered)
    if file is None:
        messages = [Outgoing(piece) for piece in pieces]
    elif len(pieces) == 1 and units(pieces[0].seen) <= CAPTION_UNITS:
        messages = [Outgoing(pieces[0].as_caption(), file)]
    else:
        messages = [Outgoing(NO_TEXT, file), *(Outgoing(piece) for piece in pieces)]
    messages[-1] = replace(messages[-1], buttons=buttons)
    return messages, remark


def _pieces(rendered: Rendered) -> tuple[list[Piece], str | None]:
    texts = {ending: well_formed(text) for ending, text in rendered.texts.items()}
    ending = next((ending for ending in FORMATS if ending in texts), "txt")
    plain, marked = texts.get("txt", ""), FORMATS.get(ending)
    if marked is None:
        return _plain_pieces(plain, rendered), None
    source = texts[ending]
    try:
        runs = marked.read(source)
    except BadMarkup as error:
        instead = plain if not is_blank(plain) else marked.strip(source)
        remark = f"{rendered.template}: {error}, so it was sent as plain text"
        return _plain_pieces(instead, rendered), remark
    seen = visible(runs)
    _check_text(seen, rendered)
    if fits(source, runs, TEXT_UNITS):
        short = not is_blank(plain) and units(plain) <= TEXT_UNITS
        return [Piece(source, marked.mode, seen, plain if short else seen)], None
    return [Piece(write_html(piece), HTML, *(visible(piece),) * 2) for piece in _cut(runs, rendered)], None


def _plain_pieces(text: str, rendered: Rendered) -> list[Piece]:
    _check_text(text, rendered)
    return [Piece(seen, None, seen, seen) for seen in map(visible, _cut([Run(text)], rendered))]


def _cut(runs: Sequence[Run], rendered: Rendered) -> list[list[Run]]:
    pieces = list(islice(split(runs, TEXT_UNITS), MOST_PIECES + 1))
    if len(pieces) > MOST_PIECES:
        size = units(visible(runs))
        text = f"{rendered.template}: the text has {size:,} UTF-16 units, more than fit into {MOST_PIECES} messages"
        raise Failure(Kind.CONTENT, Reason.TOO_LARGE, text)
    return pieces


def _check_text(text: str, rendered: Rendered) -> None:
    if is_blank(text):
        raise Failure(Kind.CONTENT, Reason.NO_TEXT, f"{rendered.template}: it leaves nothing to be shown")


def _buttons(notification: TelegramNotification) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(
        tuple(
            (button.text, web_address(button.url, f"buttons: {at}.{n}: url ", schemes=BUTTON_SCHEMES))
            for n, button in enumerate(row)
        )
        for at, row in enumerate(notification.rows)
    )
