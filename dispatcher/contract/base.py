"""What the notifications of all queues have in common, and how a body becomes one.

Publishers are upgraded at other times than we are: a field we do not know is left aside (its name is kept, for one
warning), an optional field that is `null` counts as absent. A wrong type or a missing required field is *malformed*.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from dispatcher.words.errors import Failure, Kind, Reason

_SEGMENT = r"[\w\-][\w\-. ]*"
_TEMPLATE_NAME = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_TOLERATED = re.compile(r"(\.(html|txt))?(\.jinja2)?$")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_LOCALE = r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"
_SHOWN = 5

MOST_RECIPIENTS = 10_000
"""Recipients of one message, counted once for each part that they get."""

_LIMITED = frozenset({"to", "cc", "bcc", "reply_to", "parameters", "headers"})


def _template_name(name: str) -> str:
    plain = _TOLERATED.sub("", name)
    if not _TEMPLATE_NAME.fullmatch(plain) or ".." in plain:
        raise ValueError("is not the name of a template (letters, digits, - _ . and / between folders)")
    return plain


def _rfc_3339(time: Any) -> str:
    """Let pass only what the published schema calls a date-time; pydantic alone takes Unix times and more."""
    if not isinstance(time, str) or not _RFC_3339.fullmatch(time):
        raise ValueError("must be a time with its zone as in RFC 3339, like 2030-01-31T12:00:00Z")
    return time


TemplateName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_template_name)]
Parameters = dict[str, Any]
Text = Annotated[str, StringConstraints(min_length=1)]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One whom a notification is for.

    Attributes:
        slot: its place among all recipients of the notification, from 0: what retries remember it by.
        address: as the publisher wrote it.
        role: the field it stood in: `to`, `cc` or `bcc`.

    """

    slot: int
    address: str
    role: str = "to"


@dataclass(frozen=True, slots=True)
class Part:
    """What goes out in one send: the parameters, and everybody who shares them.

    Attributes:
        index: its place among the parts of the notification, from 0.
        of: how many parts the notification has.
        recipients: everybody it is addressed to, served or not.
        parameters: what the template fills in.
        pieces: of a text that goes out in several pieces, how many its only recipient got at earlier attempts.

    """

    index: int
    of: int
    recipients: tuple[Recipient, ...]
    parameters: Parameters
    pieces: int = 0


class Notification(BaseModel):
    """What the body of a message asks for. The fields that all queues share."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, title="Notification")

    together: ClassVar[bool] = True
    """Whether one object of parameters makes one part for all of `to`; otherwise each of them is a part by itself."""

    template: TemplateName = Field(
        description="Name of the template, without the folder of the queue and without extension: `confirm_email`, "
        "`events/submitted`. A trailing `.html` or `.jinja2` is tolerated."
    )
    to: str | int | Annotated[list[str | int], Field(min_length=1)] = Field(description="Whom to tell: one or a list.")
    parameters: Parameters | list[Parameters] = Field(
        default_factory=dict,
        description="What the template fills in. A list, one object for each `to`, means one message for each "
        "recipient, who sees nobody else; one object means one message addressed to all of `to`.",
    )
    locale: Annotated[str, StringConstraints(pattern=_LOCALE, max_length=35)] | None = Field(
        default=None, description="BCP 47 tag: picks `confirm_email.de-AT`, then `.de`, then the plain template."
    )
    expires_at: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc_3339)] | None = Field(
        default=None, description="RFC 3339 time after which sending is pointless: never sent then."
    )

    @model_validator(mode="after")
    def _one_object_for_each(self) -> Self:
        if isinstance(self.parameters, list) and len(self.parameters) != len(self.everyone):
            raise ValueError(
                f"parameters: {len(self.parameters)} objects for {len(self.everyone)} recipients in to; "
                "give one for each, or a single object for all"
            )
        return self

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        copies = len(self._copies())
        parts = len(self.everyone) if isinstance(self.parameters, list) else 1
        mails = len(self.everyone) + parts * copies
        if mails > MOST_RECIPIENTS:
            raise ValueError(
                f"to: {mails} recipients, those of copies counted for each part; at most {MOST_RECIPIENTS:,}"
            )
        return self

    @property
    def everyone(self) -> Sequence[str | int]:
        """`to` as a list, as the publisher wrote it."""
        return self.to if isinstance(self.to, list) else [self.to]

    def parts(self) -> tuple[Part, ...]:
        """Split into what goes out in one send each; slots are the same at every attempt."""
        if isinstance(self.parameters, list):
            shares = list(zip(([one] for one in self.everyone), self.parameters, strict=True))
        elif not self.together:
            shares = [([one], self.parameters) for one in dict.fromkeys(map(str, self.everyone))]
        else:
            shares = [(list(self.everyone), self.parameters)]
        return tuple(self._numbered(shares))

    def _numbered(self, shares: Sequence[tuple[Sequence[str | int], Parameters]]) -> Iterable[Part]:
        slot = 0
        copies = self._copies()
        for index, (to, parameters) in enumerate(shares):
            if len(to) == 1 and not copies:
                recipients: tuple[Recipient, ...] = (Recipient(slot, str(to[0])),)
            else:
                addressed = _unique([*((str(one), "to") for one in to), *copies])
                recipients = tuple(Recipient(slot + at, *who) for at, who in enumerate(addressed))
            slot += len(recipients)
            yield Part(index, len(shares), recipients, parameters)

    def _copies(self) -> Sequence[tuple[str, str]]:
        """Give who besides `to` gets each part, with the field they stand in."""
        return ()


AnyNotification = TypeVar("AnyNotification", bound=Notification)


def decode(contract: type[AnyNotification], body: bytes) -> tuple[AnyNotification, frozenset[str]]:
    """Read a body.

    Returns:
        the notification, and the names of the fields that the contract does not know.

    Raises:
        Failure: it is malformed; the text names the place.

    """
    fields = fields_of(body)
    _check_lengths(fields)
    names = _names(contract)
    present = {name: value for name, value in fields.items() if value is not None}
    try:
        notification = contract.model_validate(present)
    except ValidationError as error:
        raise malformed(_sentence(error)) from error
    return notification, frozenset(name for name in fields if name not in names)


def fields_of(body: bytes) -> dict[str, Any]:
    """Read the JSON object that a body is.

    Raises:
        Failure: it is none.

    """
    try:
        fields = from_json(body.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        hint = "it is compressed, send it as it is" if body.startswith(b"\x1f\x8b") else error
        raise malformed(f"the body is not JSON in UTF-8: {hint}") from error
    if not isinstance(fields, dict):
        raise malformed(f"the body is {_json_type(fields)}, it must be a JSON object")
    return fields


def malformed(text: str) -> Failure:
    """Give the failure for a body that does not keep the contract."""
    return Failure(Kind.CONTENT, Reason.MALFORMED, text)


def _check_lengths(fields: Mapping[str, Any]) -> None:
    """Refuse enormous lists before each of their entries is looked at: a million wrong ones take half a minute."""
    for name, value in fields.items():
        if isinstance(value, list | dict) and len(value) > 2 * MOST_RECIPIENTS and name in _LIMITED:
            unlimited = name == "parameters" and isinstance(value, dict)
            if not unlimited:
                raise malformed(f"{name}: {len(value)} entries are more than anybody can be sent")


@cache
def _names(contract: type[Notification]) -> frozenset[str]:
    fields = contract.model_fields.items()
    return frozenset(field.alias or name for name, field in fields)


def _unique(addressed: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out who was named before, whatever field it was in."""
    seen: dict[str, str] = {}
    for address, role in addressed:
        seen.setdefault(address, role)
    return list(seen.items())


def _sentence(error: ValidationError) -> str:
    """Say what is wrong with each field, the way its publisher would look for it."""
    said: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        # A union reports each of its members; the last steps of such a place name a type, not a field.
        place = ".".join(str(step) for step in detail["loc"] if not _names_a_type(step))
        what = detail["msg"].removeprefix("Value error, ")
        if place not in said:
            said[place] = f"{place}: {what}" if place else what
        elif what not in said[place]:
            said[place] += f", or {what[:1].lower()}{what[1:]}"
    sentences = list(said.values())
    more = f"; and {len(sentences) - _SHOWN} more" if len(sentences) > _SHOWN else ""
    return "; ".join(sentences[:_SHOWN]) + more


def _names_a_type(step: str | int) -> bool:
    return isinstance(step, str) and (step in {"str", "int", "dict", "constrained-str"} or "[" in step)


def _json_type(value: object) -> str:
    names = {list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
