"""The log: one line for each settlement, no parameters and no secrets in it."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.cli.log import set_up_log
from dispatcher.observers.log import MOST_NAMES, LogObserver
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Outcome, Rejected, Released, Settlement, Split

LATER = Failure(Kind.TRANSIENT, Reason.GREYLISTED, "451 later")
NEVER = Failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT, "550 nobody")
BODY = b'{"template": "t", "to": "a@x.org", "parameters": {"password": "hunter2"}}'


def message(**notes: Any) -> Message:
    return Message(body=BODY, id="m1", headers={"dispatcher-attempt": 1}, notes={"template": "hello", **notes})


def settlement(*outcomes: Outcome, lost: bool = False, **notes: Any) -> Settlement:
    return Settlement(queue="email", message=message(**notes), outcomes=outcomes, seconds=0.0123, lost=lost)


PACED = Failure(Kind.THROTTLED, Reason.PACED, "its turn comes", wait=timedelta(seconds=9))


class Written:
    """What was written to standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self) -> str:
        return self._capsys.readouterr().err

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], log_of_its_own: None) -> Written:
    """What is written to standard error."""
    return Written(capsys)


@pytest.mark.parametrize(
    ("outcomes", "level", "said"),
    [
        ([Accepted()], "info", {"outcome": "accepted"}),
        ([Released()], "info", {"outcome": "released"}),
        ([Split(())], "info", {"outcome": "split"}),
        (
            [Deferred(message(), timedelta(seconds=10), LATER)],
            "warning",
            {"outcome": "deferred", "reason": "greylisted", "error": "451 later", "retry_in": "10s"},
        ),
        (
            [Rejected(message(), NEVER), Rejected(message(), NEVER)],
            "error",
            {"outcome": "rejected", "reason": "no-such-recipient", "error": "550 nobody", "dead_letters": 2},
        ),
        (
            [Rejected(message(), NEVER), Deferred(message(), timedelta(seconds=10), LATER)],
            "warning",
            {
                "outcome": "deferred",
                "reason": "greylisted",
                "error": "451 later",
                "dead_letters": 1,
                "retry_in": "10s",
            },
        ),
    ],
)
def test_a_settlement_is_one_line_of_json(written: Written, outcomes, level: str, said: dict[str, Any]):
    set_up_log()
    LogObserver()(settlement(*outcomes))
    (line,) = written.lines()

    assert line.pop("timestamp")
    assert {
        "event": "settled",
        "level": level,
        "id": "m1",
        "queue": "email",
        "template": "hello",
        "attempt": 2,
        "ms": 12.3,
        **said,
    } == line


def test_the_line_has_what_the_service_calls_what_it_took(written: Written):
    set_up_log()
    LogObserver()(settlement(Accepted(), reference="2.0.0 queued as 4c3dXy"))
    LogObserver()(settlement(Accepted(), reference=["A", "B"]))

    assert ["2.0.0 queued as 4c3dXy", ["A", "B"]] == [line["reference"] for line in written.lines()]


def test_a_settlement_that_was_lost_is_a_warning(written: Written):
    set_up_log()
    LogObserver()(settlement(Accepted(), lost=True))
    (line,) = written.lines()

    assert (True, "warning") == (line["lost"], line["level"])


def test_parameters_are_never_written(written: Written):
    set_up_log(level="DEBUG")
    LogObserver()(settlement(Rejected(message(), NEVER)))

    assert "hunter2" not in written.text()


def test_an_unknown_field_is_warned_of_once(written: Written):
    set_up_log()
    observer = LogObserver()
    for _ in range(3):
        observer(settlement(Accepted(), unknown_fields={"colour"}))
    warned = [line for line in written.lines() if line["level"] == "warning"]

    assert [("email", "colour")] == [(line["queue"], line["field"]) for line in warned]


def test_publishers_cannot_fill_our_memory_with_field_names(written: Written):
    set_up_log()
    observer = LogObserver()
    for number in range(MOST_NAMES + 50):
        observer(settlement(Accepted(), unknown_fields={f"field{number}"}))

    assert MOST_NAMES == sum(line["level"] == "warning" for line in written.lines())


def test_on_a_terminal_it_is_made_for_people(written: Written):
    set_up_log(pretty=True)
    LogObserver()(settlement(Accepted()))

    text = written.text()
    assert "settled" in text
    assert not text.startswith("{")


def test_on_a_terminal_a_traceback_shows_no_values(written: Written):
    set_up_log(pretty=True)
    parameters = {"password": "hunter2"}
    try:
        parameters["missing"]
    except KeyError:
        logging.getLogger("dispatcher.x").exception("a bug")
    text = written.text()

    assert "KeyError" in text
    assert "hunter2" not in text


def test_libraries_are_quiet_and_our_own_lines_have_their_level(written: Written):
    set_up_log()
    logging.getLogger("aiormq.connection").error("a traceback of somebody else")
    logging.getLogger("dispatcher.x").warning("one %s", "sentence")

    assert [("one sentence", "warning")] == [(line["event"], line["level"]) for line in written.lines()]


def test_a_bug_is_written_with_its_traceback_in_one_line(written: Written):
    set_up_log()
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logging.getLogger("dispatcher.x").exception("a bug")
    (line,) = written.lines()

    assert "ZeroDivisionError" in line["exception"]


def test_who_waits_for_a_turn_is_nothing_that_went_wrong(written: Written):
    set_up_log(pretty=False)
    LogObserver()(settlement(Deferred(message(), timedelta(seconds=2), PACED)))
    assert "" == written.text()

    set_up_log(pretty=False, level="DEBUG")
    LogObserver()(settlement(Deferred(message(), timedelta(seconds=2), PACED)))
    assert [("debug", "paced")] == [(line["level"], line["reason"]) for line in written.lines()]


def test_a_remark_is_a_warning_though_all_went_well(written: Written):
    set_up_log(pretty=False)
    LogObserver()(settlement(Accepted(), remark="the chat has a new id: -100123"))

    (line,) = written.lines()
    assert ("warning", "accepted", "the chat has a new id: -100123") == (line["level"], line["outcome"], line["remark"])
