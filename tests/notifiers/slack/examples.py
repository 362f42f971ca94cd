"""What the tests of the Slack notifier start from."""

import json

from dispatcher.contract.slack import SlackNotification
from dispatcher.notifiers.base import Report
from dispatcher.notifiers.ledger import Ledger
from dispatcher.notifiers.slack import SlackNotifier, SlackSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Rendered
from tests.http_server import Answer, HttpServer, Request

TOKEN = "xoxb-2222-secret-Token"
PATHS = {"alerts": "/services/T0SECRET/B0SECRET/aLeRtSkEy", "ops": "/services/T0SECRET/B0SECRET/oPsKeY"}
TS = "1700000000.123456"
POSTED = Answer(200, {"ok": True, "channel": "C024", "ts": TS, "message": {"text": "hello"}})


def slack(request: Request) -> Answer:
    """Slack as it is when all is well."""
    if request.path.endswith("chat.postMessage"):
        return POSTED
    if request.path.endswith("auth.test"):
        return Answer(200, {"ok": True, "user": "dispatcher", "team": "Acme", "user_id": "U1"})
    return Answer(200, "ok")


def refusal(word: str, **more) -> Answer:
    """How the Web API says no."""
    return Answer(200, {"ok": False, "error": word, **more})


def settings(server: HttpServer, **changes) -> SlackSettings:
    """Settings for a server of ours: a bot and two webhooks."""
    usual = {
        "token": TOKEN,
        "webhooks": {name: server.url + path for name, path in PATHS.items()},
        "api_url": f"{server.url}/api",
    }
    return SlackSettings.model_validate(usual | changes)


def notification(**fields) -> SlackNotification:
    """A notification, by the contract."""
    return SlackNotification.model_validate({"template": "hello", "to": "C024", **fields})


def texts(**by_format) -> Rendered:
    """What a template gave; what is not a string is written as JSON."""
    written = {form: text if isinstance(text, str) else json.dumps(text) for form, text in by_format.items()}
    return Rendered(written, None, f"slack/hello.{next(iter(written))}.jinja2")


async def report(
    notifier: SlackNotifier, message_id="id-1", rendered=None, done=frozenset(), at=0, ledger=None, **fields
) -> Report:
    """Send one part of a notification."""
    asked = notification(**fields)
    ledger = ledger or Ledger(frozenset(done))
    return await notifier.send(message_id, asked, asked.parts()[at], rendered or texts(md="hello"), ledger)


async def failure(notifier: SlackNotifier, **what) -> Failure:
    """Send what cannot be sent; give why."""
    try:
        sent = await report(notifier, **what)
    except Failure as failure:
        return failure
    raise AssertionError(f"it was sent: {sent}")
