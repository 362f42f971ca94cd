"""Whatever stands in a notification, what goes to the Bot API is one request with our headers at our address."""

import base64

import pytest

from dispatcher.words.errors import Failure
from tests.notifiers.telegram.examples import TOKEN, report

EVIL = [
    "\r\nX-Evil: yes\r\n\r\n",
    "\n",
    "\0",
    '"; name="chat_id"\r\n\r\n1',
    "\u2028",
    "\u202e",
    "\x85",
    "/../../x?y=1#z",
]
PATHS = {f"/bot{TOKEN}/{method}" for method in ("sendMessage", "sendPhoto", "sendDocument")}
CONTENT = base64.b64encode(b"content").decode()

PLACES = {
    "to": lambda text: {"to": [f"@name{text}"]},
    "to in digits": lambda text: {"to": [f"4711{text}"]},
    "photo": lambda text: {"photo": f"https://example.org/{text}"},
    "file name": lambda text: {"document": {"filename": f"a{text}b", "content": CONTENT}},
    "button": lambda text: {"buttons": [{"text": f"a{text}", "url": f"https://example.org/{text}"}]},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("evil", EVIL, ids=ascii)
async def test_no_field_changes_the_request(server, notifier, place, evil):
    try:
        failures = (await report(notifier, **PLACES[place](evil))).failures
    except Failure as failure:
        failures = {0: failure}

    assert len(server.requests) <= 1
    assert server.requests or failures
    for failure in failures.values():
        assert failure.kind in {"content", "recipient"}
    for request in server.requests:
        assert request.path in PATHS
        assert "x-evil" not in {name.lower() for name in request.headers}
        assert "4711" == request.fields["chat_id"]
        if place == "file name":
            assert {"document"} == set(request.files)
            assert b"content" == request.files["document"].content
