"""Whatever goes wrong: neither the token nor the address of a webhook stands in any text, log or exception."""

import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from dispatcher.notifiers.slack import answers
from dispatcher.words.errors import Failure
from tests.http_server import CUT, CUT_BODY, GARBAGE, HANG, Answer, HttpServer
from tests.notifiers.slack.examples import PATHS, POSTED, TOKEN, TS, refusal, report, settings, texts

SECRETS = (TOKEN, *PATHS.values(), *(path.rpartition("/")[2] for path in PATHS.values()), "aLeRtS", "oPsK")
KEY = PATHS["alerts"].rpartition("/")[2]
ECHO = f"{TOKEN} {' '.join(PATHS.values())} {KEY}"
"""What a server or a proxy may give back of what we sent."""


def deeds() -> Iterator:
    yield from (refusal(word) for row in answers.API for word in row.words)
    yield from (Answer(404, word) for row in answers.WEBHOOK for word in row.words)
    yield from (CUT, CUT_BODY, GARBAGE, HANG)
    yield from (Answer(status, f"<html>{ECHO}</html>") for status in (200, 400, 403, 404, 407, 413, 429, 500, 503))
    yield from (Answer(status, ECHO, {"Content-Type": "text/plain"}) for status in (200, 500))
    yield Answer(200, f'{{"ok": false, "error": "{ECHO}', {"Content-Type": "application/json"})
    yield Answer(429, "", {"Retry-After": TOKEN})
    yield Answer(302, b"", {"Location": PATHS["alerts"]})
    yield Answer(302, b"", {"Location": f"http://[{TOKEN}"})
    yield refusal(ECHO)
    yield refusal(PATHS["ops"])
    yield refusal("missing_scope", needed=ECHO, provided=ECHO)
    yield refusal("invalid_blocks", response_metadata={"messages": [ECHO, TOKEN]})
    yield Answer(200, {"ok": True, "channel": TOKEN, "ts": PATHS["ops"], "warning": ECHO, "user": TOKEN, "team": ECHO})


def whole(error: BaseException) -> Iterator[str]:
    """Everything that somebody could print of an exception, its causes and their values included."""
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    known: BaseException | None = error
    while known is not None:
        yield f"{known!r} {known} {known.args} {getattr(known, 'text', '')}"
        known = known.__cause__ or known.__context__


def assert_no_secret(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text, f"{secret} is in {text}"
        assert quote(secret, safe="") not in text


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in ("slack_sdk", "aiohttp", "aiohttp.client", "asyncio", "slack_sdk.web.async_client"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize("deed", list(deeds()), ids=lambda deed: f"{deed}"[:50].replace("\x00", ""))
@pytest.mark.parametrize("to", ["C024", "webhook:alerts", "webhook:ops"])
async def test_no_answer_brings_a_secret_to_light(server, notifier_for, everything_logged, deed, to):
    notifier = notifier_for(server, timeouts={"connect": "5s", "answer": "50ms" if deed is HANG else "5s"})
    server.answer("", deed, deed)

    try:
        assert_no_secret(f"{await report(notifier, to=to, thread=TS)}")
    except Failure as failure:
        for text in whole(failure):
            assert_no_secret(text)

    assert_no_secret(everything_logged.text)


@pytest.mark.parametrize("deed", [refusal("invalid_auth"), CUT, Answer(500, ECHO), refusal(ECHO)], ids=str)
async def test_nor_does_checking(server, notifier, everything_logged, deed):
    server.answer("", deed)

    with pytest.raises(Failure) as caught:
        await notifier.check()

    for text in whole(caught.value):
        assert_no_secret(text)
    assert_no_secret(everything_logged.text)


async def test_nor_the_answer_to_it(server, notifier):
    server.answer("", Answer(200, {"ok": True, "user": TOKEN, "team": ECHO}))

    assert_no_secret(await notifier.check())


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1:1", "slack.invalid", "127.0.0.1:1/%zz", "xn--a.example", "a..b"])
async def test_nor_a_server_that_is_not_there(server, notifier_for, everything_logged, scheme, host):
    elsewhere = {"webhooks": {name: f"{scheme}://{host}{path}" for name, path in PATHS.items()}}
    notifier = notifier_for(server, api_url=f"{scheme}://{host}/", **elsewhere)

    for to in ("C024", "webhook:alerts"):
        with pytest.raises(Failure) as caught:
            await report(notifier, to=to)
        for text in whole(caught.value):
            assert_no_secret(text)
    assert_no_secret(everything_logged.text)


async def test_nor_a_proxy_with_a_password(server, notifier_for, everything_logged, monkeypatch):
    async with HttpServer(Answer(407, "no")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", f"//ada:{TOKEN}@"))
        with pytest.raises(Failure) as caught:
            await report(notifier_for(server, api_url="https://slack.example"))

    assert "the proxy answers 407" in caught.value.text
    for text in whole(caught.value):
        assert_no_secret(text)
    assert_no_secret(everything_logged.text)


async def test_nor_sending_when_all_is_well(server, notifier, everything_logged):
    for to in ("C024", "webhook:alerts"):
        assert_no_secret(f"{await report(notifier, to=to, rendered=texts(md='a secret of somebody'))}")
    await notifier.close()

    assert_no_secret(f"{everything_logged.text} {notifier!r} {vars(notifier)}")
    assert "a secret of somebody" not in everything_logged.text


async def test_the_log_of_the_library_would_have_shown_them(server, everything_logged):
    """If it says no more what it said, the silence above proves nothing."""
    from slack_sdk.webhook.async_client import AsyncWebhookClient

    server.answer("", POSTED)
    await AsyncWebhookClient(settings(server).webhooks["alerts"].get_secret_value()).send(text="x")

    assert PATHS["alerts"] in everything_logged.text
