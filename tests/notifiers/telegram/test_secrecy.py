"""The token is in no text: not in failures, not in remarks, not in any log, however much is logged."""

import asyncio
import logging
import traceback

import pytest

from dispatcher.words.errors import Failure
from tests.http_server import CUT, CUT_BODY, GARBAGE, HANG, Answer
from tests.notifiers.telegram.examples import FILE, TOKEN, refused, report, texts
from tests.notifiers.telegram.test_answers import ROWS

SECRET = TOKEN.partition(":")[2]
QUOTED = TOKEN.replace(":", "%3A")


def everything_of(error: BaseException | None) -> str:
    """All that a careless log could print of an exception and of those that it holds on to."""
    told = []
    while error is not None:
        told += [repr(error), str(error), *map(repr, error.args), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


@pytest.mark.parametrize(
    "answer",
    [
        *(row[0] for row in ROWS),
        HANG,
        CUT,
        CUT_BODY,
        GARBAGE,
        refused(400, f"Bad Request: no such page /bot{TOKEN}/sendMessage", retry_after=TOKEN),
        Answer(502, f"<html>cannot reach https://api.telegram.org/bot{TOKEN}/sendMessage or bot{QUOTED}</html>"),
        Answer(200, f"/bot{TOKEN}/"),
        refused(400, "upgraded", migrate_to_chat_id=-2),
        refused(400, f"can't parse entities: {TOKEN}"),
    ],
)
async def test_the_token_is_in_no_text_and_no_log(server, notifier_for, caplog, answer):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "telegram", "telegram.Bot", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    notifier = notifier_for(server, timeouts={"answer": "300ms"})
    server.answer("sendMessage", answer)

    told = [repr(notifier), repr(vars(notifier)), repr(vars(notifier._api)), repr(notifier._api._bot)]
    try:
        told.append(repr(await report(notifier, texts(html="<b>x</b>"))))
    except Failure as failure:
        told.append(everything_of(failure))
    told += [record.getMessage() for record in caplog.records] + [caplog.text]

    assert caplog.records, "the libraries say something at this level"
    assert server.paths[0] == f"/bot{TOKEN}/sendMessage"
    assert not [text for text in told if SECRET in text or QUOTED in text]


async def test_the_token_is_in_no_text_where_nobody_can_be_reached(server, notifier, caplog):
    caplog.set_level(logging.DEBUG)
    await server.stop()

    (failure,) = await asyncio.gather(report(notifier), return_exceptions=True)

    assert SECRET not in everything_of(failure) + caplog.text
    assert FILE not in caplog.text


async def test_signs_that_mean_something_in_addresses_are_escaped(server, notifier_for):
    await report(notifier_for(server, token="4711:a/b?c#d%e"))

    assert ["/bot4711:a%2Fb%3Fc%23d%25e/sendMessage"] == server.paths
