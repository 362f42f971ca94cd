"""What came, what did not, what came twice; and the promise that it is held against."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tests.faults.bench import Bench

MESSAGE_ID = re.compile(rb"^Message-ID:\s+<([^@>]+)@", re.MULTILINE)
UNREAD = 5.0
"""An answer that is younger than this (seconds) may not have been read yet by who is killed.

It was 1.0 until two cases of a full and a missing journal, on a machine that did much else, had one mail too many: that
a busy disk holds up the daemon is a guess. A real loss of what the journal knows could hide here."""

ON_THE_WAY = 5.0
"""What was written before a process died is read within so many seconds."""

SILENCE = 2.0
"""Seconds without a mail that are more than chance."""

SHOWN = 8


class Mail(Protocol):
    """A mail at the receiving end; see `tests.smtp_server.Mail`."""

    session: int
    caller: str
    data: bytes
    came: float
    answered: float | None


class Mails(Protocol):
    """The receiving end."""

    port: int
    pause: float

    @property
    def mails(self) -> Sequence[Mail]:
        """Whatever came, in order."""

    @property
    def connections(self) -> int:
        """How many connections there have been."""


@dataclass(frozen=True)
class Death:
    """A daemon was killed.

    Attributes:
        daemon: as who it had introduced itself to the mail server.
        at: when.
        sessions: how many connections the mail server had seen until then.
        settled: the ids that had been settled.

    """

    daemon: str
    at: float
    sessions: int
    settled: Collection[str]

    def had_on_the_wire(self, mail: Mail, message_id: str) -> bool:
        """Tell whether the final dot was seen, or on its way, and the answer not surely read."""
        return (
            mail.caller == self.daemon
            and mail.session < self.sessions
            and message_id not in self.settled
            and mail.came < self.at + ON_THE_WAY
            and (mail.answered is None or mail.answered > self.at - UNREAD)
        )


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        case: what happened.
        messages: how many the broker had confirmed.
        lost: neither came, nor are they a dead letter, nor did an operator take them away.
        twice: how many mails came again.
        wire: how many mails were on the wire when a daemon was killed; nothing where none was.
        dead: dead letters that are none by right.
        burnt: messages that were charged an attempt.
        recovered: seconds from the end of the fault until mails come again.
        missing, again, letters, charged: the same by id.

    """

    case: str
    messages: int
    lost: int
    twice: int
    wire: int | None
    dead: int
    burnt: int
    recovered: float | None
    missing: list[str] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)

    def as_property(self) -> dict[str, Any]:
        """Give what the table shows, as JSON can hold it."""
        shown = asdict(self)
        return {
            name: shown[name] for name in ("case", "messages", "lost", "twice", "wire", "dead", "burnt", "recovered")
        }


class Tally:
    """Counts mails by the id of their message, each mail looked at once."""

    def __init__(self, mails: Mails) -> None:
        self._mails = mails
        self._ids: list[str] = []
        self._count: Counter[str] = Counter()

    def count(self) -> Counter[str]:
        """Give how often each message came."""
        for mail in self._mails.mails[len(self._ids) :]:
            match = MESSAGE_ID.search(mail.data)
            self._ids.append(match[1].decode() if match else "without an id")
            self._count[self._ids[-1]] += 1
        return self._count

    def on_the_wire(self, deaths: Collection[Death]) -> Counter[str]:
        """Give how often each message was on the wire when a daemon was killed."""
        self.count()
        pairs = list(zip(self._mails.mails, self._ids, strict=False))
        return Counter(name for death in deaths for mail, name in pairs if death.had_on_the_wire(mail, name))

    def row(self, case: str, bench: "Bench", dead: Mapping[str, str]) -> Row:
        """Count."""
        counted = self.count()
        missing = sorted(bench.expected - set(counted) - set(dead))
        again = {name: count - 1 for name, count in counted.items() if count > 1}
        charged = {line["id"]: line["attempt"] for line in bench.lines() if line["attempt"] > 1}
        return Row(
            case,
            len(bench.expected),
            max(0, len(missing) - bench.gone),
            sum(again.values()),
            sum(self.on_the_wire(bench.deaths).values()) if bench.deaths else None,
            len(dead),
            len(charged),
            self._recovered(bench.fault_ended),
            missing,
            again,
            dict(dead),
            charged,
        )

    def _recovered(self, fault_ended: float) -> float | None:
        """Give how long after its end a fault was still felt: until the longest silence that it left was over.

        The very next mail says little: it may have been in hand all the time.
        """
        came = sorted(mail.came for mail in self._mails.mails)
        after = [at for at in came if at > fault_ended]
        if not fault_ended:
            return None
        if not after:
            return 0.0 if came else None  # all of them had come: what was lost is counted elsewhere
        silences = [(here - before, here) for before, here in pairwise(came) if here > fault_ended]
        longest, ended = max(silences, default=(0.0, after[0]))
        return round((ended if longest > SILENCE else after[0]) - fault_ended, 2)


@dataclass(frozen=True)
class Promise:
    """What is promised in a case. Nothing is ever lost, whatever the rest says.

    Attributes:
        burnt: how many messages may be charged an attempt: none by an outage; `None` where attempts are due.
        recovery: seconds from the end of the fault until mails come again, at most; `None` where nothing is promised.
        dead: ids of messages that are dead letters by right.
        twice: how many mails may come again, besides what was on the wire of a killed daemon.

    """

    burnt: int | None = 0
    recovery: float | None = 10.0
    dead: Collection[str] = ()
    twice: int = 0

    def hold(
        self, row: Row, tally: Tally, deaths: Collection[Death], *, left: int | None, codes: Collection[int]
    ) -> None:
        """Fail with sentences that name what is broken."""
        broken = [*self._losses(row), *self._doubles(row, tally.on_the_wire(deaths)), *self._costs(row)]
        if left is None:
            broken.append("the broker does not answer")
        elif left:
            broken.append(f"{left} messages wait in the queues although all was sent")
        if set(codes) - {0}:
            broken.append(f"the daemon ended with {sorted(codes)} instead of 0")
        assert not broken, f"{row.case}: {'; '.join(broken)}"

    def _losses(self, row: Row) -> list[str]:
        broken = []
        if row.lost:
            broken.append(f"{row.lost} of {row.messages} messages are lost ({_some(row.missing)})")
        wrong = {name: why for name, why in row.letters.items() if name not in self.dead}
        if wrong:
            why = "; ".join(f"{one} ({count})" for one, count in Counter(wrong.values()).most_common(3))
            broken.append(f"{len(wrong)} messages are dead letters wrongly ({_some(wrong)}: {why})")
        absent = [name for name in self.dead if name not in row.letters]
        if absent:
            broken.append(f"{len(absent)} messages should be dead letters and are not ({_some(absent)})")
        return broken

    def _doubles(self, row: Row, wire: Counter[str]) -> list[str]:
        beyond = {name: extra for name, extra in row.again.items() if extra > wire[name]}
        over = sum(extra - wire[name] for name, extra in beyond.items()) - self.twice
        if over <= 0:
            return []
        where = "without having been on the wire" if row.wire is not None else "twice"
        return [f"{over} mails came {where} ({_some(beyond)})"]

    def _costs(self, row: Row) -> list[str]:
        broken = []
        if self.burnt is not None and row.burnt > self.burnt:
            broken.append(
                f"{row.burnt} messages were charged an attempt, {self.burnt} at most was due ({_some(row.charged)})"
            )
        if self.recovery is not None and (row.recovered is None or row.recovered > self.recovery):
            after = "never" if row.recovered is None else f"{row.recovered:g} s after the fault's end"
            broken.append(f"mails came again {after}, {self.recovery:g} s at most are promised")
        return broken


def _some(names: Collection[str]) -> str:
    ordered = sorted(names, key=lambda name: (len(name), name))
    return ", ".join(ordered[:SHOWN]) + (" …" if len(ordered) > SHOWN else "")
