"""The mail server fails at one point of the conversation, for every mail, until that is over.

In the short form one daemon meets all points one after the other; in the long form each has a case of its own.
"""

import pytest

from tests.faults.bench import CONNECTIONS, LONG, MESSAGES, Bench
from tests.faults.count import Promise
from tests.faults.outages import QUICK, over, paused, pauses
from tests.smtp_server import CUT, HANG, Answer, SmtpServer
from tests.waiting import until

TRIALS = 20 if LONG else 2
"""So often a point is met once more after the queue was paused."""

MORE = 100
"""So many mails are published for each point: none is met when everything was sent before."""

BEFORE_THE_DOT = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY")
STREAK = 5
PATIENCE = {
    f"notifiers__email__timeouts__{name}": value
    for name, value in {"connect": "300ms", "command": "300ms", "data": "300ms", "final_reply": "1s"}.items()
}


def together(points: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Give what is tried in one case."""
    return [(point,) for point in points] if LONG else [points]


async def break_at(bench: Bench, smtp: SmtpServer, points: tuple[str, ...], answer: Answer) -> None:
    """Fail at one point after the other, each time until it is seen to be an outage, and for a while longer."""
    for point in points:
        await bench.publish(MORE)
        await over(bench)  # mails that were in hand before may arrive while the queue is still paused
        await bench.sent(len(bench.arrived()) + 10)
        before = pauses(bench)
        smtp.answer(point, answer, always=True)
        await paused(bench, before + 1)
        if point != "BODY":  # a refusal that is read when others are taken again counts for itself alone
            await until(lambda: smtp.seen["BODY"] == smtp.seen["DOT"], what="what it has taken is answered")
        seen = smtp.seen[point]
        await until(lambda seen=seen, point=point: smtp.seen[point] >= seen + TRIALS, 60, f"{point} is met again")
        smtp.forget()
        if answer is HANG:
            smtp.cut()
    await over(bench)


@pytest.mark.parametrize("points", together(("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT")), ids="-".join)
async def test_it_is_busy(bench: Bench, smtp: SmtpServer, points: tuple[str, ...]):
    smtp.pause = 0.02
    await bench.publish()
    await bench.start(**QUICK)
    async with bench.fault():
        await break_at(bench, smtp, points, "421 4.3.2 too busy")

    await bench.verdict(f"SMTP answers 421 at {', '.join(points)}")


@pytest.mark.parametrize("points", together(BEFORE_THE_DOT), ids="-".join)
async def test_it_hangs_up(bench: Bench, smtp: SmtpServer, points: tuple[str, ...]):
    """Who was in the middle has one attempt less; nobody is walked down the ladder while it lasts."""
    smtp.pause = 0.02
    await bench.publish()
    await bench.start(**QUICK)
    async with bench.fault():
        await break_at(bench, smtp, points, CUT)

    await bench.verdict(f"SMTP hangs up at {', '.join(points)}", Promise(burnt=len(points) * (CONNECTIONS + STREAK)))


@pytest.mark.parametrize("points", together(BEFORE_THE_DOT[:-1]), ids="-".join)
async def test_it_says_nothing(bench: Bench, smtp: SmtpServer, points: tuple[str, ...]):
    """A short text is written before anybody can see that it is not read: that is the case after the final dot."""
    smtp.pause = 0.02
    await bench.publish()
    await bench.start(**QUICK, **PATIENCE)
    async with bench.fault():
        await break_at(bench, smtp, points, HANG)

    await bench.verdict(f"SMTP hangs at {', '.join(points)}", Promise(burnt=len(points) * (CONNECTIONS + STREAK)))


async def test_it_hangs_up_after_the_final_dot(bench: Bench, smtp: SmtpServer):
    """It may have been sent: it is sent again, as was settled. Nobody can do better without asking the recipient."""
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        smtp.answer("DOT", *[CUT] * CONNECTIONS)
        await until(lambda: not smtp._script["DOT"], what="all of them were cut")

    promise = Promise(burnt=CONNECTIONS, twice=CONNECTIONS)
    await bench.verdict(f"SMTP hangs up after the final dot, {CONNECTIONS} times", promise)


async def test_it_says_nothing_after_the_final_dot(bench: Bench, smtp: SmtpServer):
    await bench.publish()
    await bench.start(**PATIENCE)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        smtp.answer("DOT", *[HANG] * CONNECTIONS)
        await until(lambda: sum(one["outcome"] == "deferred" for one in bench.lines()) >= CONNECTIONS)

    promise = Promise(burnt=CONNECTIONS, twice=CONNECTIONS)
    await bench.verdict(f"SMTP hangs after the final dot, {CONNECTIONS} times", promise)


@pytest.mark.parametrize("points", together(("EHLO", "MAIL", "DATA", "DOT")), ids="-".join)
async def test_it_has_an_error_of_its_own(bench: Bench, smtp: SmtpServer, points: tuple[str, ...]):
    """As when its filter is away, for all mails. Nobody can tell at once whether it is the mail's fault."""
    smtp.pause = 0.02
    await bench.publish()
    await bench.start(**QUICK)
    async with bench.fault():
        await break_at(bench, smtp, points, "451 4.3.0 filter is away")

    allowed = Promise(burnt=len(points) * (CONNECTIONS + STREAK))
    await bench.verdict(f"SMTP answers 451 at {', '.join(points)}", allowed)


@pytest.mark.parametrize("point", ["RCPT", "DOT"])
async def test_it_refuses_us_for_a_while(bench: Bench, smtp: SmtpServer, point: str):
    """As of a host that is on a blocklist: four mails are believed to be refused for their own sake, no more."""
    smtp.pause = 0.02
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 10)
    async with bench.fault():
        await break_at(bench, smtp, (point,), "554 5.7.1 Service unavailable; client host is on a blocklist")
    refused = bench.rejected()

    assert len(refused) < STREAK

    await bench.verdict(f"SMTP refuses all mails at {point}", Promise(dead=refused))


async def test_it_answers_nothing_after_the_dot_for_a_while(bench: Bench, smtp: SmtpServer):
    """Nobody knows what of it was sent, so each try may send one more: it is tried with one message at a time."""
    smtp.pause = 0.02
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 10)
    async with bench.fault():
        await break_at(bench, smtp, ("DOT",), CUT)
    cut = sum(mail.answered is None for mail in smtp.mails)

    assert cut < 2 * CONNECTIONS + STREAK + TRIALS

    await bench.verdict("SMTP hangs up after the dot, all the time", Promise(burnt=None, twice=cut))
