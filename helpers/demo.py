"""Show Dispatcher at work: from made-up notifications to mails that arrived, with everything this takes.

    make demo    find or get a RabbitMQ, start a mail catcher and the daemon, publish a dozen, show them arriving, end
    make up      the same, and stay until Ctrl-C

It ends with exit code 0 only if each mail was seen in the mail catcher. What was started is ended in any case.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    from rich.console import Console
    from rich.table import Table

    from helpers import demo_broker, handshake, processes, rabbitmq
    from helpers.mailcatcher import MailCatcher
except ModuleNotFoundError as error:
    print(f"{error.name} is missing: run `make demo`, which installs it.", file=sys.stderr)
    sys.exit(2)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from helpers.caught_mail import Mail

OF_EACH = 2
PATIENCE = 60.0
USUAL = {("localhost", 5672), ("127.0.0.1", 5672)}
LOG = ROOT / ".run" / "dispatcher.log"
SIGNALS = (signal.SIGINT, signal.SIGTERM)

WIDE = 120

console = Console()
if not console.is_terminal:
    console = Console(width=WIDE)  # in a file, nobody's terminal is too narrow


class DemoFailure(Exception):
    """It did not work; the text says what is missing."""


class Expected(NamedTuple):
    """A mail that one of the notifications asked for."""

    message_id: str
    template: str
    to: str
    published: float


def demo(*, stay: bool) -> None:
    """Do it all; raise `DemoFailure` where a mail is missing."""
    with ExitStack() as started:
        broker = demo_broker.find()
        started.callback(broker.release)
        console.print(f"RabbitMQ: {broker.origin}")
        catcher = started.enter_context(MailCatcher())
        log_start = LOG.stat().st_size if LOG.exists() else 0
        daemon = started.enter_context(running_daemon(broker.url, catcher.smtp_port))
        started.callback(tidy_up)  # runs first
        await_ready(daemon, log_start)
        expected = publish(broker.url)
        console.print(f"Published {len({mail.message_id for mail in expected})} notifications", highlight=False)
        arrived = await_mails(expected, catcher, daemon)
        show(expected, arrived)
        if stay:
            console.print(f"\nMails:    {catcher.page_url}")
            if broker.management_url:
                console.print(f"RabbitMQ: {broker.management_url} (guest, guest)")
            console.print(f"Log:      {LOG}\n\n.venv/bin/python helpers/send.py publishes more.", soft_wrap=True)
            if handshake.place(broker.url) not in USUAL:
                console.print(
                    f"The usual port was taken: elsewhere, first export {rabbitmq.VARIABLE}={broker.url}",
                    soft_wrap=True,
                )
            console.print("Ctrl-C ends it.")
            stay_until_signal(daemon)
        else:
            console.print("`make up` does the same and stays: there you can look at the mails.", highlight=False)


@contextlib.contextmanager
def running_daemon(url: str, smtp_port: int) -> Iterator[subprocess.Popen]:
    """Run the daemon with settings of our own: no mail of a demonstration may leave this machine."""
    LOG.parent.mkdir(exist_ok=True)
    configuration = LOG.parent / f"demo-{smtp_port}.yml"  # of its own: another demonstration may be running
    mail = {"host": "127.0.0.1", "port": smtp_port, "tls": "none"}
    configuration.write_text(json.dumps({"notifiers": {"email": mail}}))  # JSON is YAML
    # Certificates and the like belong to the broker that was configured, and to no other.
    kept = "DISPATCHER_BROKERS__" if url == os.environ.get(rabbitmq.VARIABLE) else None
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("DISPATCHER_") or (kept and name.upper().startswith(kept))
    }
    environment = {**inherited, rabbitmq.VARIABLE: url, "DISPATCHER_CONFIG_FILE": str(configuration)}
    command = [sys.executable, str(ROOT / "dispatcher" / "main.py"), "run"]
    with LOG.open("a") as log:
        # In a session of its own: Ctrl-C is for us, and we end it in order.
        daemon = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield daemon
    finally:
        processes.end(daemon)
        configuration.unlink(missing_ok=True)


def await_ready(daemon: subprocess.Popen, log_start: int) -> None:
    """Wait until the daemon says that it serves; what stood in the log before it does not count."""

    def ready() -> bool:
        return b'"event": "ready"' in LOG.read_bytes()[log_start:]

    up = processes.await_that(lambda: daemon.poll() is not None or ready(), PATIENCE)
    if daemon.poll() is not None:
        raise DemoFailure("The daemon ended while it was starting.")
    if not up:
        raise DemoFailure(f"The daemon was not ready within {PATIENCE:g} seconds.")


def publish(url: str) -> list[Expected]:
    """Publish through `send.py`, as a program of its own; give the mails that have to arrive."""
    command = [sys.executable, str(ROOT / "helpers" / "send.py"), "--all-templates", "--count", str(OF_EACH), "--json"]
    sent = subprocess.run(command, env={**os.environ, rabbitmq.VARIABLE: url}, stdout=subprocess.PIPE, check=False)
    if sent.returncode != 0:
        raise DemoFailure("The notifications could not be published.")
    return [mail for line in sent.stdout.splitlines() for mail in asked_for(json.loads(line))]


def asked_for(notification: dict[str, Any]) -> list[Expected]:
    """Give the mails that one notification asks for: several where each recipient gets a personal one."""
    name, template, published = (notification[key] for key in ("message_id", "template", "published"))
    if notification["mails"] == 1:
        return [Expected(name, template, ", ".join(notification["to"]), published)]
    return [Expected(name, template, to, published) for to in notification["to"]]


def await_mails(expected: list[Expected], catcher: MailCatcher, daemon: subprocess.Popen) -> dict[Expected, Mail]:
    """Wait for all of them; raise `DemoFailure` with what is missing when that takes too long."""
    processes.await_that(lambda: len(seen(expected, catcher)) == len(expected) or daemon.poll() is not None, PATIENCE)
    arrived = seen(expected, catcher)
    if len(arrived) < len(expected):
        show(expected, arrived)
        ended = "The daemon ended. " if daemon.poll() is not None else ""
        raise DemoFailure(f"{ended}{len(expected) - len(arrived)} of {len(expected)} mails did not arrive.")
    return arrived


def seen(expected: list[Expected], catcher: MailCatcher) -> dict[Expected, Mail]:
    """Match mails with what was asked for: by Message-ID `<id@…>` or `<id.index@…>`, and by recipient."""
    caught = {}
    for mail in catcher.mails:
        message_id = mail.header("Message-ID").strip("<> ").partition("@")[0].partition(".")[0]
        caught.setdefault((message_id, ", ".join(mail.recipients)), mail)
    return {mail: caught[mail.message_id, mail.to] for mail in expected if (mail.message_id, mail.to) in caught}


def show(expected: list[Expected], arrived: dict[Expected, Mail]) -> None:
    """Print the table."""
    table = Table("Template", "To", "Subject", "Arrived after")
    table.columns[0].no_wrap = True
    table.columns[3].justify = "right"
    for mail in expected:
        caught = arrived.get(mail)
        subject = caught.header("Subject") if caught else ""
        # The clock of the last confirmation may be a moment behind a mail that was quick.
        after = f"{max(0.0, caught.arrived - mail.published) * 1000:.0f} ms" if caught else "missing"
        table.add_row(*map(plain, (mail.template, mail.to, subject, after)))
    console.print(table)


def plain(text: str) -> str:
    """Keep rich from reading markup in foreign text."""
    return text.replace("[", r"\[")


def stay_until_signal(daemon: subprocess.Popen) -> None:
    """Wait for Ctrl-C or SIGTERM."""
    while daemon.poll() is None:
        time.sleep(0.2)
    raise DemoFailure("The daemon ended.")


def log_tail(lines: int = 20) -> str:
    """Give the last lines of the daemon's log."""
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-lines:]) if LOG.exists() else ""


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
    signal.signal(signal.SIGTERM, interrupt)
    try:
        demo(stay=options.stay)
    except KeyboardInterrupt:
        return 0 if options.stay else 130
    except rabbitmq.NoBroker as error:
        print(error, file=sys.stderr)
        return 2
    except DemoFailure as error:
        print(f"{log_tail()}\n{error} The daemon's log: {LOG}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
