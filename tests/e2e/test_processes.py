"""One daemon in several processes, as its operator meets it."""

import asyncio
import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from helpers.ports import free_port
from tests.cli.command import run
from tests.e2e.conftest import Publisher, Starter
from tests.smtp_server import SmtpServer
from tests.waiting import until

MAILS = 300


async def publish(publisher: Publisher, count: int = MAILS, start: int = 0) -> None:
    for number in range(start, start + count):
        await publisher.publish(message_id=f"m{number}", to=f"m{number}@example.org")


def served(smtp: SmtpServer) -> Counter[str]:
    """Count the mails to each recipient: every message has another."""
    return Counter(mail.recipients[0] for mail in smtp.mails)


async def page(port: int, path: str) -> str:
    def get() -> str:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            return answer.read().decode()

    return await asyncio.to_thread(get)


async def health(port: int) -> dict[str, Any]:
    return json.loads(await page(port, "health"))


async def metrics(port: int) -> dict[str, float]:
    """Give the sum of each metric over its labels."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(await page(port, "metrics")):
        for sample in family.samples:
            found[sample.name] += sample.value
    return found


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


async def test_two_processes_share_the_work_and_one_page_speaks_for_both(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    port = free_port()
    smtp.pause = 0.01
    daemon = await start(service__processes=2, service__health__port=port)
    await publish(publisher)
    await until(lambda: len(smtp.mails) == MAILS)

    assert {f"m{number}@example.org": 1 for number in range(MAILS)} == served(smtp)
    assert {1, 2} == {line["process"] for line in daemon.settled()}
    assert 1 == sum(line["event"] == "ready" for line in daemon.log)
    assert not [line for line in daemon.log if line["event"] == "not JSON"]

    async def counted() -> bool:
        return (await metrics(port))["dispatcher_messages_settled_total"] == MAILS

    await until(counted)
    read = await metrics(port)
    assert MAILS == read["dispatcher_settlement_seconds_count"]
    assert (2, 0) == (read["dispatcher_processes"], read["dispatcher_process_restarts_total"])
    assert {"running": 2, "wanted": 2} == (await health(port))["processes"]
    assert "processes: 2 of 2 run\n" in await page(port, "")

    for pid in daemon.members:  # as systemd does: each process of the service, the lead included
        os.kill(pid, signal.SIGTERM)
    daemon.terminate()
    assert 0 == await daemon.ended()


async def test_a_process_that_is_killed_is_started_again_and_nothing_is_lost(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    port = free_port()
    smtp.pause = 0.05
    daemon = await start(service__processes=2, service__health__port=port, notifiers__email__connections=10)
    await publish(publisher)
    await until(lambda: len(smtp.mails) >= MAILS // 5)
    killed, other = daemon.members
    os.kill(killed, signal.SIGKILL)
    await until(lambda: len(served(smtp)) == MAILS)

    twice = [name for name, count in served(smtp).items() if count > 1]
    assert len(twice) <= 5  # its connections: half of ten
    (said,) = [line["event"] for line in daemon.log if "killed" in line["event"]]
    assert re.fullmatch(r"process [12] was killed by SIGKILL; it is started again in \d+ms", said)

    async def both() -> bool:
        return (await health(port))["processes"] == {"running": 2, "wanted": 2}

    await until(both)
    assert killed not in daemon.members
    assert other in daemon.members
    assert 1 == (await metrics(port))["dispatcher_process_restarts_total"]
    daemon.terminate()
    assert 0 == await daemon.ended()


async def test_sigterm_finishes_what_is_in_hand_and_leaves_the_rest(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.pause = 0.05
    daemon = await start(measured=False, service__processes=2)
    await publish(publisher)
    await until(lambda: len(smtp.mails) >= MAILS // 5)
    daemon.terminate()

    assert 0 == await daemon.ended()
    assert {1} == set(served(smtp).values())
    assert MAILS == len(smtp.mails) + await publisher.waiting()


async def test_a_second_signal_does_not_wait_and_says_so_with_its_exit_code(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.pause = 60
    daemon = await start(measured=False, service__processes=2, notifiers__email__connections=8)
    await publish(publisher, 20)
    await until(lambda: smtp.seen["BODY"] == 8, what="all connections are taken")
    members = daemon.members
    daemon.terminate()
    await until(lambda: sum("stopping" in line["event"] for line in daemon.log) == 2)
    assert daemon.running
    daemon.terminate()

    assert 3 == await daemon.ended(within=10)
    assert all(map(gone, members))


async def test_sighup_replaces_the_processes_one_by_one_while_mails_flow(
    start: Starter, smtp: SmtpServer, publisher: Publisher, folder: Path
):
    configuration = folder / "dispatcher.yml"
    configuration.write_text("service: {processes: 2}")
    smtp.pause = 0.05
    daemon = await start(service__processes=None)
    before = set(daemon.members)
    assert 2 == len(before)

    configuration.write_text("service: {processes: 2, prosesses: 3}")
    daemon.hang_up()
    await until(lambda: any("not reloaded" in line["event"] for line in daemon.log))
    assert any("service.prosesses: there is no such setting" in line["event"] for line in daemon.log)
    assert before == set(daemon.members)

    configuration.write_text("service: {processes: 3}")
    await publish(publisher)
    daemon.hang_up()
    await until(lambda: any(line["event"] == "reloaded" for line in daemon.log), within=40)
    after = set(daemon.members)
    assert 3 == len(after)
    assert not before & after
    await publish(publisher, 30, start=MAILS)
    await until(lambda: len(served(smtp)) == MAILS + 30)
    assert {1} == set(served(smtp).values())
    daemon.terminate()
    assert 0 == await daemon.ended()


async def test_when_the_lead_is_killed_the_others_finish_and_end(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.pause = 0.05
    daemon = await start(measured=False, service__processes=2)
    await publish(publisher)
    await until(lambda: len(smtp.mails) >= MAILS // 5)
    members = daemon.members
    smtp.pause = 1.5  # long enough for reports that nobody hears any more
    await daemon.kill()
    await until(lambda: all(map(gone, members)))

    assert [] == [line for line in daemon.log if line["event"] == "not JSON"]  # a traceback would be
    assert {1} == set(served(smtp).values())
    assert MAILS == len(smtp.mails) + await publisher.waiting()


async def test_what_refuses_to_start_is_said_once_and_is_exit_code_2(folder: Path, url: str):
    refused = await run(
        folder=folder, service__processes=2, brokers__rabbitmq__url=url.replace("guest:guest", "ada:hunter2")
    )

    assert 2 == refused.code
    assert 1 == refused.error.count("dispatcher: ")
    assert "refuses the login of user 'ada'" in refused.error


async def test_a_single_process_says_that_it_cannot_reload(start: Starter):
    daemon = await start()
    daemon.hang_up()
    await until(lambda: any("SIGHUP: nothing is changed" in line["event"] for line in daemon.log))

    assert [] == daemon.members
    daemon.terminate()
    assert 0 == await daemon.ended()
