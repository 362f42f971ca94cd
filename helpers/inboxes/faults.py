"""What goes wrong on request: by the name of an address, or by a rule that somebody posted.

A fault has a name, the same everywhere: what happens, where, how often.

    451   550-at-mail   554-at-data   451-once   451-3-times        an answer: of SMTP, or the status of HTTP
    hang-at-mail   hang-at-rcpt   hang-at-data   hang-after-data    no answer; over HTTP: hang, hang-after
    cut-at-mail    cut-at-rcpt    cut-at-data    cut-after-data     the connection ends; over HTTP: cut, cut-after
    slow   garbage                                                  a late answer; one that cannot be read
    migrated                                                        Telegram: the group has another id now
    channel_not_found, is_archived, …                               Slack: any error by its name

`after` means: taken and kept, but the other side is not told so. As an address that is `451-once@example.org` (also
`451-once+7@example.org`), the chat `@fault_429_twice` or one of the chat ids 400, 403, 404, 429, 500, 502, the Slack
channel `#fault-429-twice`, the webhook `fault-429-twice`. An address goes round: refused so often, taken once, refused
again. At MAIL only the sender is known: there it is the sender's address that counts.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from helpers.inboxes.messages import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = re.compile(
    r"(?P<deed>[a-z0-9_]+)(?:-(?P<place>at-mail|at-rcpt|at-data|after-data|after))?"
    r"(?:-(?P<times>once|twice|(?P<count>[1-9]\d{0,5})-times))?"
)
DEEDS = {"email": {"hang", "cut", "slow", "garbage"}, "telegram": {"hang", "cut", "slow", "garbage", "migrated"}}
CHATS = {400: "400", 403: "403", 404: "404", 429: "429-once", 500: "500", 502: "502"}
SECONDS = 2.0
REMEMBERED = 10_000
MOST_RULES = 1000
ASKED = {"service", "match", "fault", "times", "seconds", "text"}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        deed: hang, cut, slow, garbage, migrated, the digits of an answer, or an error of Slack by its name.
        phase: when: at `mail`, `rcpt`, `data`, the `end` of a mail; over HTTP `before` it was taken or at the `end`.
        times: how often; None for always.
        seconds: how late it is, or how long to wait before the next try.
        text: what the answer says; a usual one where it is empty.

    """

    deed: str
    phase: str
    times: int | None = None
    seconds: float = SECONDS
    text: str = ""

    @property
    def code(self) -> int:
        """The code of the answer, 0 where it is none."""
        return int(self.deed) if self.deed.isdigit() else 0


def parse(service: str, name: str) -> Fault:
    """Read the name of a fault; raise `ValueError` with a sentence where it is none."""
    match = NAME.fullmatch(name.lower())
    if match is None or not _is_deed(service, match["deed"]):
        raise ValueError(f"{name[:60]!r} is no fault of {service}; there are, among others, {_examples(service)}.")
    deed, place = match["deed"], match["place"] or ""
    phase = _mail_phase(deed, place) if service == "email" else {"": "before", "after": "end"}.get(place)
    if phase is None or (phase == "end" and service != "email" and deed not in {"hang", "cut"}):
        raise ValueError(f"{name[:60]!r} is no fault of {service}: {deed} cannot happen {place.replace('-', ' ')}.")
    times = {None: None, "once": 1, "twice": 2}.get(match["times"], int(match["count"] or 0))
    return Fault(deed, phase, times)


def named(service: str, address: str) -> Fault | None:
    """Give the fault that an address is named after."""
    name = address.lower()
    if service == "email":
        name = name.rpartition("@")[0].partition("+")[0]
    elif service == "telegram" and name.isdigit():
        name = CHATS.get(int(name[:9]), "")
    elif service == "telegram":
        name = name.removeprefix("@fault_").replace("_", "-") if name.startswith("@fault_") else ""
    else:
        name = name.rpartition("/")[2].removeprefix("#")
        name = name.removeprefix("fault-") if name.startswith("fault-") else ""
    try:
        return parse(service, name)
    except ValueError:
        return None


class Faults:
    """Which faults are due, and how often each of them was."""

    def __init__(self) -> None:
        self._rules: dict[int, tuple[str, str, str, Fault]] = {}
        self._given = 0
        self._seen: OrderedDict[tuple[str, str], int] = OrderedDict()

    def take(self, service: str, phase: str, names: Iterable[str]) -> Fault | None:
        """Give the fault that is due, if any, and count it: a rule before a name, the first of several names."""
        names = list(names)
        for number, (of, match, _, fault) in self._rules.items():
            met = match == "*" or any(fnmatchcase(name.lower(), match) for name in names)
            if of == service and fault.phase == phase and met:
                self._use(number, fault)
                return fault
        due = (fault for name in names if (fault := self._by_name(service, phase, name)))
        return next(due, None)

    def add(self, asked: Any) -> int:
        """Take a rule; raise `ValueError` with a sentence where it is wrong."""
        rule = _rule(asked)
        if len(self._rules) >= MOST_RULES:
            raise ValueError(f"There are {MOST_RULES} faults already: DELETE /faults forgets them.")
        self._given += 1
        self._rules[self._given] = rule
        return self._given

    def listed(self) -> list[dict[str, Any]]:
        """Give the rules; `times` is how often each of them will still happen."""
        return [
            {"id": number, "service": service, "match": match, "fault": name}
            | {"times": fault.times, "seconds": fault.seconds, "text": fault.text}
            for number, (service, match, name, fault) in self._rules.items()
        ]

    def delete(self, number: int) -> bool:
        """Forget a rule; tell whether it was there."""
        return self._rules.pop(number, None) is not None

    def clear(self) -> None:
        """Forget all rules, and how often each address was seen."""
        self._rules.clear()
        self._seen.clear()

    def _use(self, number: int, fault: Fault) -> None:
        if fault.times is not None and fault.times <= 1:
            del self._rules[number]
        elif fault.times is not None:
            service, match, name, _ = self._rules[number]
            self._rules[number] = (service, match, name, replace(fault, times=fault.times - 1))

    def _by_name(self, service: str, phase: str, name: str) -> Fault | None:
        fault = named(service, name)
        if fault is None or fault.phase != phase or fault.times is None:
            return fault if fault and fault.phase == phase else None
        key = (service, name.lower())
        seen = self._seen.pop(key, 0)
        if seen < fault.times:
            self._seen[key] = seen + 1
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return fault if seen < fault.times else None


def _is_deed(service: str, deed: str) -> bool:
    if deed.isdigit():
        return len(deed) == 3 and deed[0] in "45"  # noqa: PLR2004 - as all codes have
    return deed in DEEDS.get(service, {deed})


def _mail_phase(deed: str, place: str) -> str | None:
    at_end = {"after-data"} | ({"at-data"} if deed.isdigit() or deed in {"slow", "garbage"} else set())
    if place in at_end:
        return "end"
    usual = "end" if deed in {"slow", "garbage"} else "rcpt"
    return {"": usual, "at-mail": "mail", "at-rcpt": "rcpt", "at-data": "data"}.get(place)


def _examples(service: str) -> str:
    return {
        "email": "451-once, 550, 554-at-data, hang-after-data, cut-at-rcpt, slow, garbage",
        "telegram": "429, 500-once, 403, migrated, hang, cut-after, slow, garbage",
    }.get(service, "429, 500-once, channel_not_found, hang, cut-after, slow, garbage")


def _rule(asked: Any) -> tuple[str, str, str, Fault]:
    if not isinstance(asked, dict):
        sentence = 'A fault is a JSON object, like {"service": "email", "match": "*", "fault": "451"}.'
        raise ValueError(sentence)  # noqa: TRY004 - one kind of mistake
    if unknown := set(asked) - ASKED:
        raise ValueError(f"A fault has no {min(unknown)!r}, only {', '.join(sorted(ASKED))}.")
    service, match, name = asked.get("service"), asked.get("match", "*"), str(asked.get("fault", ""))
    if service not in SERVICES:
        raise ValueError(f"service must be one of {', '.join(SERVICES)}.")
    if not isinstance(match, str | int) or isinstance(match, bool) or match == "":
        raise ValueError("match must be an address, a chat or a channel; * stands for all.")
    return service, str(match).lower(), name, _with_numbers(parse(service, name), asked)


def _with_numbers(fault: Fault, asked: dict[str, Any]) -> Fault:
    times, seconds, text = asked.get("times"), asked.get("seconds", SECONDS), asked.get("text", "")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ValueError("times must be a whole number from 1, or null for always.")
    if times is not None and fault.times is not None:
        raise ValueError("Say how often either in the name of the fault or as times.")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= 86_400:  # noqa: PLR2004
        raise ValueError("seconds must be a number from 0 to 86400.")
    if not isinstance(text, str) or not text.isprintable():
        raise ValueError("text must be a line of text.")
    return replace(fault, times=times or fault.times, seconds=seconds, text=text)
