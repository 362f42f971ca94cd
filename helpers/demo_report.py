"""What the demonstration expects, what it sees, and whether that is the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from helpers.demo_queues import DeadLetter, Standing
    from helpers.inboxes.messages import Message

    Key = tuple[str, str, str]
    Settled = Mapping[str, Sequence[Mapping[str, Any]]]

REASON = "no-such-recipient"
FINAL = {"accepted", "rejected"}
NAMED = 5


class Expected(NamedTuple):
    """A mail, or a message in a chat, that one of the notifications asked for.

    Attributes:
        queue: the way it goes.
        message_id: of the notification.
        template: of the notification.
        to: its recipient; several where they share a mail.
        published: when the broker had the notification, in seconds since the epoch.
        attempts: how many it takes.

    """

    queue: str
    message_id: str
    template: str
    to: str
    published: float
    attempts: int = 1

    @property
    def key(self) -> Key:
        """What it is known by where it arrives: only mails carry the id of their notification."""
        return self.queue, self.message_id if self.queue == "email" else "", self.to


def asked_for(told: Mapping[str, Any], attempts: int = 1) -> list[Expected]:
    """Give what `send.py` says that one notification asks for: several where each recipient gets one of their own."""
    everyone = [", ".join(told["to"])] if told["queue"] == "email" and told["messages"] == 1 else told["to"]
    names = (told["queue"], told["message_id"], told["template"])
    return [Expected(*names, to, told["published"], attempts) for to in dict.fromkeys(everyone)]


def key_of(message: Message) -> Key:
    """Give what a message that has arrived is known by; the Message-ID of a mail is `<id@…>` or `<id.index@…>`."""
    header = getattr(message, "header", lambda _: "")("Message-ID")
    return message.service, header.strip("<> ").partition("@")[0].partition(".")[0], ", ".join(message.to)


@dataclass
class Account:
    """All that is known at some moment.

    Attributes:
        expected: what has to arrive.
        doomed: id of the notification that has to become a dead letter.
        arrived: what the sandbox got, oldest first; what nobody here asked for counts for nothing.
        settled: what the daemon's log says, by the ids of the notifications.

    """

    expected: Sequence[Expected]
    doomed: str
    arrived: Iterable[Message] = ()
    settled: Settled = field(default_factory=dict)

    def __post_init__(self) -> None:
        caught: dict[Key, list[Message]] = defaultdict(list)
        for message in self.arrived:
            caught[key_of(message)].append(message)
        sharing: dict[Key, list[Expected]] = defaultdict(list)
        for one in self.expected:
            sharing[one.key].append(one)
        self.matched = {one: caught[key][n :: len(some)] for key, some in sharing.items() for n, one in enumerate(some)}

    def attempts(self, message_id: str) -> int:
        """Give the number of the last attempt that was settled; 0 where none was."""
        lines = self.settled.get(message_id)
        return lines[-1]["attempt"] if lines else 0

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to wait for: what the daemon calls sent has arrived before."""
        return all(self._outcome(one) in FINAL for one in {self.doomed, *(one.message_id for one in self.expected)})

    def complaints(self) -> list[str]:
        """Say in sentences what is not as it has to be."""
        missing = [one for one, messages in self.matched.items() if not messages]
        twice = [one for one, messages in self.matched.items() if len(messages) > 1]
        others = [one for one in self.expected if one not in missing]
        lost = [one for one in others if self._outcome(one.message_id) != "accepted"]
        tired = [one for one in others if one not in lost and self.attempts(one.message_id) != one.attempts]
        number = len(self.expected)
        return [
            *_sentence(missing, f"of {number} messages did not arrive"),
            *_sentence(twice, f"of {number} messages arrived more than once"),
            *_sentence(lost, f"of {number} messages arrived, but the daemon does not say that they were taken"),
            *_sentence(tired, f"of {number} messages took another number of attempts than they should have"),
        ]

    def _outcome(self, message_id: str) -> str:
        lines = self.settled.get(message_id)
        return lines[-1]["outcome"] if lines else ""


def complaints_about_queues(standing: Mapping[str, Standing]) -> list[str]:
    """Say in sentences which of the queues that have to be empty are not."""
    return [f"The queue {name} still holds messages: {one.messages}." for name, one in standing.items() if one.messages]


def complaints_about_letters(letters: Sequence[DeadLetter], doomed: str) -> list[str]:
    """Say in sentences what is wrong with the dead letters: there has to be one, and why has to stand on it."""
    ours = [letter for letter in letters if letter.message_id == doomed and letter.queue == "email.dead"]
    found = []
    if not ours:
        found.append("The dead letter is missing in email.dead.")
    elif ours[0].reason != REASON:
        found.append(f"The reason of the dead letter is {ours[0].reason or 'missing'}, it should be {REASON}.")
    more = list(letters)
    if ours:
        more.remove(ours[0])
    if more:
        told = ", ".join(f"{letter.queue}: {letter.to} ({letter.reason})" for letter in more[:NAMED])
        found.append(f"There are more dead letters than one: {told}.")
    return found


def _sentence(about: Sequence[Expected], what: str) -> list[str]:
    if not about:
        return []
    named = [f"{one.queue} {one.template} to {one.to}" for one in about[:NAMED]]
    more = [f"{len(about) - NAMED} more"] if len(about) > NAMED else []
    return [f"{len(about)} {what}: {'; '.join([*named, *more])}."]
