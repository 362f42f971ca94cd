"""Show Dispatcher at work: from made-up notifications to mails and messages that arrived, with everything this takes.

    make demo    find or get a RabbitMQ, start the sandbox and the daemon, publish, show what arrives, end
    make up      the same, and stay until Ctrl-C

All three queues get one of each template; besides, one mail fails twice and then arrives, one becomes a dead letter.
It ends with exit code 0 only if just that happened: each of them arrived once, with the right number of attempts, there
is one dead letter with the right reason, and no queue holds anything else. What was started is ended in any case.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    from aio_pika.exceptions import AMQPError

    from helpers import demo_broker, demo_daemon, demo_queues, demo_report, handshake, processes, rabbitmq
    from helpers.demo_daemon import LOG, Daemon, DemoFailure
    from helpers.demo_pictures import console, show_arrived, show_attempts, show_letter
    from helpers.demo_report import Account, Expected, asked_for
    from helpers.sandbox import Sandbox
except ModuleNotFoundError as error:
    print(f"{error.name} is missing: run `make demo`, which installs it.", file=sys.stderr)
    sys.exit(2)

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0
QUEUES_PATIENCE = 10.0
FAILS_TWICE = "451-twice@example.org"
NEVER_ARRIVES = "550@example.org"
"""Addresses by which the sandbox knows what to do."""
USUAL = {("localhost", 5672), ("127.0.0.1", 5672)}
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def demo(*, stay: bool) -> None:
    """Do it all; raise `DemoFailure` where something is not as it has to be."""
    with ExitStack() as started:
        broker = demo_broker.find()
        started.callback(broker.release)
        console.print(f"RabbitMQ: {broker.origin}")
        put = started.enter_context(taken_away(broker))
        sandbox = started.enter_context(Sandbox())
        daemon = started.enter_context(demo_daemon.running(broker.url, sandbox))
        started.callback(tidy_up)  # runs first
        daemon.await_ready()
        expected, doomed = publish(broker.url, put)
        # The table has a line for each of these but the doomed one.
        console.print(f"Published {len(put)} notifications, {len(expected) + 1} messages in all", highlight=False)
        walk(broker.url, sandbox, daemon, expected, doomed)
        if stay:
            say_where(broker, sandbox)
            stay_until_signal(daemon)
        else:
            console.print("`make up` does the same and stays: there you can look at all of it.", highlight=False)


@contextmanager
def taken_away(broker: rabbitmq.Broker) -> Iterator[set[str]]:
    """Take out of somebody else's broker what was put into it; what we started is thrown away as a whole.

    Yields the set that collects the ids of what was published.
    """
    put: set[str] = set()
    before = set() if broker.started else set(demo_queues.standing(broker.url, demo_queues.OURS))
    if not broker.started and demo_queues.exchange_exists(broker.url):
        before.add(demo_queues.EXCHANGE)
    try:
        yield put
    finally:
        if not broker.started:
            try:
                demo_queues.take_away(broker.url, put, before)
            except (AMQPError, OSError) as error:
                print(f"What the demonstration has put into RabbitMQ is still there: {error}", file=sys.stderr)


def publish(url: str, put: set[str]) -> tuple[list[Expected], str]:
    """Publish through `send.py`; give what has to arrive, and the id of what never will."""
    (twice,) = send(url, put, "--queue", "email", "--to", FAILS_TWICE)
    (doomed,) = send(url, put, "--queue", "email", "--to", NEVER_ARRIVES)
    usual = [one for notification in send(url, put, "--all-templates") for one in asked_for(notification)]
    return [*usual, *asked_for(twice, attempts=3)], doomed["message_id"]


def send(url: str, put: set[str], *arguments: str) -> list[dict[str, Any]]:
    """Run `send.py` as a program of its own; give what it says of each notification, and note the ids."""
    command = [sys.executable, str(ROOT / "helpers" / "send.py"), "--json", *arguments]
    sent = subprocess.run(command, env={**os.environ, rabbitmq.VARIABLE: url}, stdout=subprocess.PIPE, check=False)
    if sent.returncode != 0:
        raise DemoFailure("The notifications could not be published.")
    told = [json.loads(line) for line in sent.stdout.splitlines()]
    put.update(one["message_id"] for one in told)
    return told


def walk(url: str, sandbox: Sandbox, daemon: Daemon, expected: list[Expected], doomed: str) -> None:
    """Show what becomes of each; raise `DemoFailure` with all that is not as it has to be."""

    def account() -> Account:
        return Account(expected, doomed, sandbox.messages(), daemon.settled())

    processes.await_that(lambda: account().finished or daemon.ended, PATIENCE)
    seen = account()
    show_arrived(seen)
    complaints = ["The daemon ended."] if daemon.ended else []
    show_attempts(FAILS_TWICE, seen.settled.get(expected[-1].message_id, ()))
    letters = demo_queues.dead_letters(url)
    for letter in letters:
        if letter.message_id == doomed:
            show_letter(letter)
    complaints += [*seen.complaints(), *demo_report.complaints_about_letters(letters, doomed), *left_in_queues(url)]
    if complaints:
        raise DemoFailure(" ".join(complaints))
    console.print("Each arrived once, the dead letter says why, and no queue holds anything else.", highlight=False)


def left_in_queues(url: str) -> list[str]:
    """Say which queues are not empty, after a moment in which the broker may finish."""

    def complaints() -> list[str]:
        return demo_report.complaints_about_queues(demo_queues.standing(url, demo_queues.WAITING))

    processes.await_that(lambda: not complaints(), QUEUES_PATIENCE)
    return complaints()


def say_where(broker: rabbitmq.Broker, sandbox: Sandbox) -> None:
    """Print what there is to look at."""
    console.print(f"\nArrived:  {sandbox.url}", soft_wrap=True)
    if broker.management_url:
        console.print(f"RabbitMQ: {broker.management_url} (guest, guest)", soft_wrap=True)
    console.print(f"Health:   {demo_daemon.health_of(sandbox)}", soft_wrap=True)
    configuration = demo_daemon.configuration_of(sandbox).relative_to(ROOT)
    console.print(f"Log:      {LOG}", soft_wrap=True)
    console.print(f"Settings: {configuration}\n\n.venv/bin/python helpers/send.py publishes more.", soft_wrap=True)
    console.print(f".venv/bin/dispatcher --config {configuration} check tries them out.", soft_wrap=True)
    if handshake.place(broker.url) not in USUAL:
        console.print(
            f"RabbitMQ's usual port was taken: first `export {rabbitmq.VARIABLE}={broker.url}` where you do.",
            soft_wrap=True,
        )
    console.print("Ctrl-C ends it.")


def stay_until_signal(daemon: Daemon) -> None:
    """Wait for Ctrl-C or SIGTERM."""
    while not daemon.ended:
        time.sleep(0.2)
    raise DemoFailure("The daemon ended.")


def tidy_up() -> None:
    """Say that the end takes a moment, and let no second Ctrl-C interrupt it."""
    console.print("Stopping what was started …", highlight=False)
    ignore_signals()


def ignore_signals() -> None:
    """Let nothing interrupt what comes now."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def interrupt(_number: int, _frame: object) -> None:
    """End as with Ctrl-C."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the demonstration; an error is a sentence, with the end of the daemon's log where it helps."""
    parser = argparse.ArgumentParser(prog="demo.py", description="Show Dispatcher at work.")
    parser.add_argument("--stay", action="store_true", help="stay until Ctrl-C")
    options = parser.parse_args()
    for number in SIGNALS:  # Ctrl-C too: who starts us in the background may have it ignored
        signal.signal(number, interrupt)
    try:
        demo(stay=options.stay)
    except KeyboardInterrupt:
        return 0 if options.stay else 130
    except rabbitmq.NoBroker as error:
        print(error, file=sys.stderr)
        return 2
    except AMQPError as error:
        print(f"RabbitMQ does not answer any more: {error}", file=sys.stderr)
        return 1
    except DemoFailure as error:
        print(f"{demo_daemon.log_tail()}\n{error} The daemon's log: {LOG}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
