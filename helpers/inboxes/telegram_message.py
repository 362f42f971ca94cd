"""A message that a bot sent, as it is kept, and as Telegram tells it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.inboxes.messages import File, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helpers.inboxes.telegram_entities import Entity

GROUPS = -1_000_000_000_000


@dataclass(frozen=True, eq=False)
class TelegramMessage(Message):
    """A message in a chat.

    Attributes:
        method: of the Bot API.
        chat_id: as the bot gave it: a number, or a name with `@`.
        message_id: Telegram's number for it.
        text: what a person sees; the caption where there is a file.
        entities: how it looks, in UTF-16 units.
        request: as it came.
        options: what else was asked for, under the names of the sandbox's API.
        photo: a file, or a URL that was only named.
        document: the same.

    """

    method: str
    chat_id: int | str
    message_id: int
    text: str
    entities: list[Entity]
    request: bytes
    options: dict[str, Any] = field(default_factory=dict)
    photo: File | str | None = None
    document: File | str | None = None

    service: ClassVar[str] = "telegram"

    @property
    def to(self) -> Sequence[str]:
        """The chat."""
        return [str(self.chat_id)]

    @property
    def reads(self) -> str:
        """The text and the buttons."""
        buttons = [str(button["text"]) for row in self.options["buttons"] for button in row]
        return "\n".join([*filter(None, [self.text]), *buttons]) or self._names()

    @property
    def searched(self) -> str:
        """The chat, the text, what the links and buttons lead to, names of files."""
        urls = [str(entity.get("url", "")) for entity in self.entities]
        urls += [str(button["url"]) for row in self.options["buttons"] for button in row]
        return "\n".join([*self.to, self.reads, *urls, self._names()])

    @property
    def source(self) -> bytes:
        """The request as it came."""
        return self.request

    @property
    def weight(self) -> int:
        """Files are kept beside the request that holds them."""
        return super().weight + sum(len(file.content) for file in self.files())

    def files(self) -> list[File]:
        """Give what was uploaded."""
        return [file for file in (self.photo, self.document) if isinstance(file, File)]

    def more(self) -> dict[str, Any]:
        """Give the text, how it looks, and what comes with it."""
        return {
            "method": self.method,
            "chat_id": self.chat_id,
            "message_id": self.message_id,
            "text": self.text,
            "entities": self.entities,
            **self.options,
            "photo": self._told(self.photo),
            "document": self._told(self.document),
        }

    def answer(self, bot: dict[str, Any]) -> dict[str, Any]:
        """Give the `Message` of the Bot API."""
        words, entities = ("text", "entities") if self.method == "sendMessage" else ("caption", "caption_entities")
        told: dict[str, Any] = {"message_id": self.message_id, "from": bot, "chat": chat(self.chat_id)}
        told |= {"date": int(self.arrived)} | ({words: self.text} if self.text else {})
        told |= {entities: self.entities} if self.entities else {}
        told |= {"photo": [{**_file_ids(self.photo), "width": 320, "height": 240}]} if self.photo else {}
        told |= {"document": _file_ids(self.document)} if self.document else {}
        if self.options["topic"] is not None:
            told |= {"message_thread_id": self.options["topic"], "is_topic_message": True}
        if self.options["reply_to"] is not None:
            older = {"message_id": self.options["reply_to"], "chat": told["chat"], "date": told["date"]}
            told["reply_to_message"] = older
        if self.options["buttons"]:
            told["reply_markup"] = {"inline_keyboard": self.options["buttons"]}
        return told

    def _names(self) -> str:
        return " ".join(
            file.filename if isinstance(file, File) else file for file in (self.photo, self.document) if file
        )

    def _told(self, file: File | str | None) -> dict[str, Any] | None:
        if isinstance(file, File):
            return file.told(self.files().index(file))
        return {"url": file} if file else None


def chat(chat_id: int | str) -> dict[str, Any]:
    """Give the chat of the Bot API: what is known by a name has a number too, always the same."""
    if isinstance(chat_id, str):
        number = GROUPS - int.from_bytes(sha256(chat_id.lower().encode()).digest()[:4]) - 1
        return {"id": number, "type": "channel", "title": chat_id[1:], "username": chat_id[1:]}
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": f"User {chat_id}"}
    return {"id": chat_id, "type": "supergroup" if chat_id < GROUPS else "group", "title": f"Group {chat_id}"}


def _file_ids(file: File | str) -> dict[str, Any]:
    content = file.content if isinstance(file, File) else file.encode()
    digest = sha256(content).hexdigest()
    named = {"file_name": file.filename, "mime_type": file.content_type} if isinstance(file, File) else {}
    return {"file_id": digest, "file_unique_id": digest[:16], "file_size": len(content), **named}
