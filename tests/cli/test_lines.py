"""Lines about settlements are written together, in their order, and none is lost by who ends in order."""

import io
import json
import logging
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import bound_contextvars

from dispatcher.cli import lines
from dispatcher.cli.log import set_up_log
from dispatcher.cli.redact import tame
from dispatcher.observers.log import LogObserver
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Outcome, Rejected, Settlement
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent


class Stream(io.StringIO):
    """Counts how often something is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def stream(log_of_its_own: None) -> Stream:
    """What the log is to be written to."""
    return Stream()


def begin(stream: Stream) -> None:
    """Set up the log: within the test, since pytest takes over both the log and standard error at its beginning."""
    with redirect_stderr(stream):
        set_up_log(pretty=False)


def settlement(number: int, *outcomes: Outcome, **notes: Any) -> Settlement:
    message = Message(body=b"", id=str(number), notes=notes)
    return Settlement(queue="email", message=message, outcomes=outcomes or (Accepted(),), seconds=0.0123)


def refused(text: str) -> Outcome:
    return Rejected(Message(body=b"", id="copy"), Failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT, text))


async def test_lines_are_written_together_after_a_moment(stream: Stream):
    begin(stream)
    observer = LogObserver()
    for number in range(100):
        observer(settlement(number))
    assert 0 == stream.writes
    await until(lambda: stream.writes > 0)

    assert 1 == stream.writes
    assert [str(number) for number in range(100)] == [line["id"] for line in stream.lines()]
    observer(settlement(100))
    await until(lambda: stream.writes == 2)


async def test_very_many_do_not_wait(stream: Stream):
    begin(stream)
    observer = LogObserver()
    for number in range(2 * lines.MOST):
        observer(settlement(number))

    assert 2 == stream.writes


async def test_what_went_wrong_is_written_at_once_after_what_was_before(stream: Stream):
    begin(stream)
    observer = LogObserver()
    observer(settlement(1))
    observer(settlement(2, refused("550 nobody")))

    assert ["1", "2"] == [line["id"] for line in stream.lines()]


async def test_a_line_of_somebody_else_comes_in_its_order(stream: Stream):
    begin(stream)
    LogObserver()(settlement(1))
    logging.getLogger("dispatcher.x").info("something else")
    LogObserver()(settlement(2))
    logging.getLogger().handlers[0].flush()

    assert ["settled", "something else", "settled"] == [line["event"] for line in stream.lines()]


async def test_a_stream_that_nobody_reads_is_borne(stream: Stream):
    begin(stream)
    observer = LogObserver()
    stream.close()
    for number in range(lines.MOST):
        observer(settlement(number))


ENDS = """
import asyncio, os, sys
sys.path.insert(0, {root!r})
from dispatcher.cli.log import set_up_log
from dispatcher.observers.log import LogObserver
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Settlement
async def main():
    set_up_log(pretty=False)
    observer = LogObserver()
    for number in range(1000):
        message = Message(body=b"", id=str(number))
        observer(Settlement(queue="email", message=message, outcomes=(Accepted(),), seconds=0.1))
    {end}
asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "1 / 0", "raise KeyboardInterrupt"])
def test_who_ends_in_order_loses_no_line(end: str):
    program = ENDS.format(root=str(ROOT), end=end)
    ended = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, check=False, text=True)
    said = [json.loads(line)["id"] for line in ended.stderr.splitlines() if line.startswith("{")]

    assert [str(number) for number in range(1000)] == said


SECRETS = ["amqps://ada:hunter2@mq.example.org", "xoxb-1234-hunter2", "hooks.slack.com/services/hunter2"]


@pytest.mark.parametrize("secret", [*SECRETS, "1234567:AAF-abcdefghijklmhunter2rstuvwxyz"])
@pytest.mark.parametrize("place", ["reference", "remark", "template"])
def test_a_secret_in_what_others_said_is_hidden(stream: Stream, secret: str, place: str):
    begin(stream)
    LogObserver()(settlement(1, refused(f"it said\n{secret}"), **{place: f"this: {secret}"}))
    LogObserver()(settlement(2, **{place: [secret, "harmless"]}))

    assert "hunter2" not in stream.getvalue()
    assert "[hidden]" in stream.lines()[0]["error"]


def test_what_is_bound_to_the_process_is_in_the_line(stream: Stream):
    begin(stream)
    with bound_contextvars(process=3, place="here"):
        LogObserver()(settlement(1))
    (line,) = stream.lines()

    assert (3, "here") == (line["process"], line["place"])


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXTS, st.lists(TEXTS, max_size=3), st.booleans())
def test_a_line_is_what_the_usual_way_would_write(text: str, several: list[str], redelivered: bool):  # noqa: FBT001
    quick, usual = Stream(), Stream()
    values = {
        "id": text,
        "attempt": 1,
        "reference": several,
        "redelivered": redelivered,
        "ms": 12.3,
        "event": "settled",
    }
    lines.LineHandler(quick).tell(logging.INFO, values)
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    usual.write(str(render(None, "info", {**values, "level": "info", "timestamp": ""})) + "\n")
    (one,), (other,) = quick.getvalue().split("\n")[:-1], usual.getvalue().split("\n")[:-1]
    stamp = json.loads(one)["timestamp"]

    assert tame(other).replace('"timestamp": ""', f'"timestamp": "{stamp}"') == one
