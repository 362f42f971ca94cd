"""Header lines, as bytes on the wire: folding, encoded words, parameters (RFC 5322 2.2, RFC 2047, RFC 2231).

Written here rather than left to the standard library, whose folding encodes long words that must stay as they are
(a link in `List-Unsubscribe`, an id in `References`) and breaks some that may not be broken. Pure functions: text in,
text out, lines separated by CR LF and at most 76 characters long wherever the value allows.
"""

import binascii
import re
from collections.abc import Iterable
from urllib.parse import quote

from dispatcher.words.errors import Failure, Kind, Reason

LINE = 76
"""The length of a line that holds encoded words (RFC 2047 2)."""

LONGEST_LINE = 998
"""The length of any line, without CR LF (RFC 5322 2.1.1)."""

LONGEST_VALUE = 10_000
"""What a publisher may put in one header, in characters: more is a mistake, and no server takes it."""

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORD = "=?utf-8?b?{}?="
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_FOLD_HERE = re.compile(r"(?<=[^ \t])(?=[ \t])")
_PLAIN_PARAMETER = re.compile(r"[ !#-\[\]-~]{1,60}")  # printable ASCII but `"` and `\`, which readers unescape badly
_SEGMENT = 50
_LONGEST_PHRASE = 60
"""In characters: the longest name that stands as it is beside the name of any header of people."""


def find_control(text: str, allowed: str = "\t") -> str | None:
    """Give the first character that could break a header or a log, if there is one: controls, line separators."""
    if text.isascii() and text.isprintable():
        return None
    return next((char for char in _CONTROLS.findall(text) if char not in allowed), None)


def show_control(char: str) -> str:
    """Name a control character for a sentence."""
    names = {"\r": "a line break", "\n": "a line break", "\0": "a NUL character"}
    return f"{names.get(char, 'a control character')} (U+{ord(char):04X})"


def refuse_controls(field: str, text: str, allowed: str = "\t") -> str:
    """Give the text back, if it may stand in a header.

    Raises:
        Failure: it may not, or is too long for any (content, bad-header); the text names the field.

    """
    if len(text) > LONGEST_VALUE:
        said = f"{field} has {len(text)} characters, {LONGEST_VALUE} are the most for a header"
        raise Failure(Kind.CONTENT, Reason.BAD_HEADER, said)
    control = find_control(text, allowed)
    if control:
        raise Failure(Kind.CONTENT, Reason.BAD_HEADER, f"{field} holds {show_control(control)}; no header may")
    return text


def words(text: str, used: int) -> str:
    """Write any text so that every reader gets it back: as it is, or in encoded words.

    Args:
        text: without control characters but the tab.
        used: characters that stand on its first line already.

    """
    plain = text.isascii() and text.isprintable() and "=?" not in text and text == text.strip()
    if plain:
        if used + len(text) <= LINE:
            return text
        folded = fold(text, used)
        if max(map(len, folded.split("\r\n"))) <= LONGEST_LINE - used:
            return folded
    return encoded_words(text, used)


def encoded_words(text: str, used: int) -> str:
    """Write a text as encoded words of UTF-8 in base64, none of which cuts a character in two (RFC 2047 5)."""
    raw = text.encode("utf-8", "replace")
    room = max(6, _room(LINE - used))
    pieces: list[str] = []
    begin = 0
    while begin < len(raw) or not pieces:
        end = begin + room
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # noqa: PLR2004 (what goes on in UTF-8: RFC 3629 3)
            end -= 1
        pieces.append(_WORD.format(binascii.b2a_base64(raw[begin:end], newline=False).decode("ascii")))
        begin, room = end, _room(LINE - 1)
    return "\r\n ".join(pieces)


def fold(text: str, used: int) -> str:
    """Break a text at its spaces, which stay what they are; a word too long for a line stays whole (RFC 5322 2.2.3)."""
    lines = [""]
    for piece in _FOLD_HERE.split(text):
        if lines[-1] and (used if len(lines) == 1 else 0) + len(lines[-1]) + len(piece) > LINE:
            lines.append("")
        lines[-1] += piece
    return "\r\n".join(lines)


def phrase(display: str) -> str:
    """Write the name that goes with an address (RFC 5322 3.2.5)."""
    if "=?" not in display and _ATOMS.fullmatch(display) and len(display) <= _LONGEST_PHRASE:
        return display
    # A backslash or a quote inside a quoted string is legal, and misread often enough.
    plain = display.isascii() and display.isprintable() and not re.search(r'["\\]|=\?', display)
    if plain and len(display) <= _LONGEST_PHRASE:
        return f'"{display}"'
    return encoded_words(display, LINE - 40)


def mailboxes(pairs: Iterable[tuple[str, str]], used: int) -> str:
    """Write a list of (name, mailbox), each on a line of its own unless it fits; a mailbox parts from a long name."""
    lines = [""]
    length = used
    for display, mailbox in pairs:
        name = phrase(display) if display else ""
        one = f"{name} <{mailbox}>" if name else mailbox
        if lines != [""]:
            lines[-1] += ","
            length += 1
        if lines[-1] and length + len(one) + 2 > LINE:
            lines.append("")
            length = 0
        before, _, last = one.rpartition("\r\n")
        if name and (0 if before else length) + len(last) + 2 > LINE:
            one = f"{name}\r\n <{mailbox}>"
        lines[-1] += f" {one}"
        length = len(lines[-1].rpartition("\r\n")[2]) + (used if len(lines) == 1 else 0)
    return "\r\n".join(lines).removeprefix(" ")


def parameter(name: str, text: str) -> str:
    """Write a parameter of a MIME header, each piece on its own line, in UTF-8 where ASCII will not do (RFC 2231)."""
    if _PLAIN_PARAMETER.fullmatch(text) and text == text.strip() and "=?" not in text and "%" not in text:
        return f';\r\n {name}="{text}"'
    segments = _segments(text)
    if len(segments) == 1:
        return f";\r\n {name}*=utf-8''{segments[0]}"
    first, *others = segments
    rest = (f";\r\n {name}*{index}*={segment}" for index, segment in enumerate(others, start=1))
    return f";\r\n {name}*0*=utf-8''{first}" + "".join(rest)


def _segments(text: str) -> list[str]:
    segments = [""]
    for char in text:
        piece = quote(char, safe="", errors="replace")
        if len(segments[-1]) + len(piece) > _SEGMENT:
            segments.append("")
        segments[-1] += piece
    return segments


def _room(characters: int) -> int:
    """Give how many bytes an encoded word of so many characters holds; base64 makes four of three."""
    return (characters - len(_WORD.format(""))) // 4 * 3
