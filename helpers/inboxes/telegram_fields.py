"""The fields of a call of the Bot API, checked as Telegram does; what is wrong is said in its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from helpers.inboxes import telegram_text
from helpers.inboxes.forms import nested, truth
from helpers.inboxes.telegram_entities import units

if TYPE_CHECKING:
    from helpers.inboxes.forms import Form
    from helpers.inboxes.messages import File
    from helpers.inboxes.telegram_entities import Entity

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
"""UTF-16 units, without the markup."""
LARGEST_PHOTO = 10 * 1024 * 1024
LARGEST_DOCUMENT = 50 * 1024 * 1024
MOST_BUTTONS = 100
LONGEST_DATA = 64
NUMBER = re.compile(r"-?\d{1,18}")
NAME = re.compile(r"@[A-Za-z]\w{2,31}", re.ASCII)
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
ACTIONS = {"url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat"}
ACTIONS |= {"switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay"}


class Refused(Exception):
    """Telegram would refuse this; the text is its description, that of a field without `Bad Request: `."""

    def __init__(self, description: str, code: int = 400) -> None:
        super().__init__(description)
        self.code = code


def chat_id(fields: dict[str, Any]) -> int | str:
    """Give the chat."""
    given = fields.get("chat_id", "")
    text = str(given).strip()
    if isinstance(given, bool | float | list | dict) or text == "":
        raise Refused("chat_id is empty")
    if NUMBER.fullmatch(text) and int(text):
        return int(text)
    if NAME.fullmatch(text):
        return text
    raise Refused("chat not found")


def text(fields: dict[str, Any], *, caption: bool) -> tuple[str, list[Entity]]:
    """Give the visible text, or the caption, and its entities."""
    source = fields.get("caption" if caption else "text", "")
    source = "" if source is None else str(source)
    if not source and not caption:
        raise Refused("message text is empty")
    entities = fields.get("caption_entities" if caption else "entities")
    try:
        visible, found = telegram_text.read(source, str(fields.get("parse_mode") or ""), nested(entities))
    except ValueError as error:
        raise Refused(str(error)) from error
    if not visible and not caption:
        raise Refused("text must be non-empty")
    if units(visible) > (LONGEST_CAPTION if caption else LONGEST_TEXT):
        raise Refused("message caption is too long" if caption else "message is too long")
    return visible, found


def number(fields: dict[str, Any], name: str) -> int | None:
    """Give a whole number; Telegram takes what is none for not given."""
    given = str(fields.get(name, ""))
    return (int(given) or None) if NUMBER.fullmatch(given) else None


def reply_to(fields: dict[str, Any], last: int) -> int | None:
    """Give the message that is answered, which must have been sent."""
    parameters = _json(fields, "reply_parameters", "can't parse reply parameters JSON object") or fields
    older = number(parameters, "message_id") if parameters is not fields else number(fields, "reply_to_message_id")
    if older is None or 0 < older <= last:
        return older
    if truth(parameters.get("allow_sending_without_reply", False)):
        return None
    raise Refused("message to be replied not found")


def link_preview(fields: dict[str, Any]) -> bool:
    """Tell whether links are shown with a preview."""
    options = _json(fields, "link_preview_options", "can't parse link preview options JSON object")
    if options is not None:
        return not truth(options.get("is_disabled", False))
    return not truth(fields.get("disable_web_page_preview", False))


def buttons(fields: dict[str, Any]) -> list[list[dict[str, str]]]:
    """Give the rows of buttons below the message; other keyboards are taken and not shown."""
    markup = _json(fields, "reply_markup", "can't parse reply keyboard markup JSON object")
    rows = (markup or {}).get("inline_keyboard", [])
    if not isinstance(rows, list):
        raise Refused('field "inline_keyboard" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        raise Refused("can't parse inline keyboard: inline keyboard row must be an Array")
    if sum(map(len, rows)) > MOST_BUTTONS:
        raise Refused("reply markup is too long")
    return [[_button(button) for button in row] for row in rows if row]


def file(name: str, form: Form) -> File | str:
    """Give a file that was uploaded, or the URL where Telegram would fetch it."""
    given = form.fields.get(name)
    found = form.files.get(name)
    if isinstance(given, str) and given.startswith("attach://"):
        found = form.files.get(given.removeprefix("attach://"))
    elif isinstance(given, str) and given:
        if not telegram_text.checked_url(given) or not given.lower().startswith(("http://", "https://")):
            raise Refused("wrong remote file identifier specified: Wrong string length")
        return given
    if found is None:
        raise Refused(f"there is no {name} in the request")
    if not found.content:
        raise Refused("file must be non-empty")
    if name == "photo" and not found.content.startswith(PICTURES):
        raise Refused("IMAGE_PROCESS_FAILED")
    largest = LARGEST_PHOTO if name == "photo" else LARGEST_DOCUMENT
    if len(found.content) > largest:
        raise Refused(f"file is too big: {len(found.content)} bytes of {largest}")
    return found


def _json(fields: dict[str, Any], name: str, complaint: str) -> dict[str, Any] | None:
    try:
        value = nested(fields.get(name) or None)
    except ValueError as error:
        raise Refused(complaint) from error
    if not isinstance(value, dict | None):
        raise Refused(complaint)
    return value


def _button(button: Any) -> dict[str, str]:
    where = "can't parse inline keyboard button"
    if not isinstance(button, dict):
        raise Refused(f"{where}: Inline keyboard button must be an Object")
    if not isinstance(button.get("text"), str):
        raise Refused(f'{where}: Can\'t find field "text"')
    if not button["text"].strip():
        raise Refused("inline keyboard button text must be non-empty")
    if not ACTIONS & button.keys():
        raise Refused(f"{where}: Text buttons are unallowed in the inline keyboard")
    if "url" in button:
        return {"text": button["text"], "url": _button_url(button["url"])}
    if len(str(button.get("callback_data", "x")).encode("utf-8", "replace")) not in range(1, LONGEST_DATA + 1):
        raise Refused("BUTTON_DATA_INVALID")
    return {"text": button["text"], "url": ""}


def _button_url(given: Any) -> str:
    url = telegram_text.checked_url(str(given).strip())
    if not url:
        raise Refused(f"inline keyboard button URL '{given}' is invalid: Wrong HTTP URL")
    return url
