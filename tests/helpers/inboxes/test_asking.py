"""The sandbox's API: finding messages, forgetting them, and who may ask at all."""

import socket

import httpx
import pytest

from helpers.ports import free_port
from helpers.sandbox import Sandbox


def test_the_newest_come_first_in_pages(send, http, a_mail):
    """`limit` and `before` walk back through all of them."""
    numbers = [send(a_mail(Subject=f"Mail {n}")) for n in range(5)]

    first = http.get("/api/messages?limit=2").json()
    second = http.get(f"/api/messages?limit=2&before={first['messages'][-1]['id']}").json()

    assert [one["id"] for one in first["messages"]] == numbers[:2:-1]
    assert [one["id"] for one in second["messages"]] == numbers[2:0:-1]
    assert first["total"] == second["total"] == 5


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("invoice", True),
        ("INVOICE ada", True),
        ("grüsse", True),  # as case folding knows ß
        ("hidden-copy", True),
        ("noreply lines", True),
        ("report.pdf", True),
        ("invoice bob", False),
        ("", True),
    ],
)
def test_a_search_wants_all_words_anywhere(send, http, a_mail, search, found):
    """Subject, addresses, text, names of files; without regard to case."""
    mail = a_mail("Your invoice\nhas two lines")
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename="report.pdf")
    send(mail, "ada@example.org", "hidden-copy@example.org")

    assert http.get("/api/messages", params={"search": search}).json()["total"] == found


def test_services_are_listed_apart(send, http, a_mail):
    """And forgotten apart."""
    send(a_mail())
    http.post("/slack/services/ops", json={"text": "hello"})

    assert [one["service"] for one in http.get("/api/messages").json()["messages"]] == ["slack", "email"]
    assert [one["service"] for one in http.get("/api/messages?service=slack").json()["messages"]] == ["slack"]

    assert http.delete("/api/messages?service=email").status_code == 204
    assert [one["service"] for one in http.get("/api/messages").json()["messages"]] == ["slack"]


def test_delete_forgets_one_or_all(send, http, a_mail, sandbox):
    """What is gone is not found, and its id is never used again."""
    first, second, third = (send(a_mail()) for _ in range(3))

    assert http.delete(f"/api/messages/{second}").status_code == 204
    assert http.get(f"/api/messages/{second}").status_code == 404
    assert http.delete(f"/api/messages/{second}").status_code == 404
    assert [message.id for message in sandbox.messages()] == [first, third]

    assert http.delete("/api/messages").status_code == 204
    assert sandbox.messages() == []
    assert send(a_mail()) > third


@pytest.mark.parametrize(
    "path",
    [
        "/api/messages/0",
        "/api/messages/x",
        "/api/messages/-1",
        "/api/messages/²",
        "/api/messages/99999999999999999999999999",
        "/api/messages/0/html",
        "/api/messages/0/raw",
        "/api/messages/0/files/0",
        "/api/v1/messages/x",
        "/nothing",
        "/api.py",
        "/../sandbox.py",
        "/%2e%2e/sandbox.py",
        "/missing.js",
    ],
)
def test_what_is_not_there_is_not_found(http, path):
    """404, and no file of ours."""
    assert http.get(path).status_code == 404


@pytest.mark.parametrize("query", ["limit=x", "before=-1", "before=1.5", "service=fax", "limit=²"])
def test_a_wrong_question_is_answered_with_a_sentence(http, query):
    """400, and what would be right."""
    answer = http.get(f"/api/messages?{query}")

    assert answer.status_code == 400
    assert " must be " in answer.json()["error"]


@pytest.mark.parametrize(
    "host", ["evil.example:8025", "evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example"]
)
@pytest.mark.parametrize(
    "path", ["/", "/api/messages", "/api/events", "/api/v2/messages", "/faults", "/telegram/bot1:x/getMe"]
)
def test_a_foreign_name_for_this_address_is_refused(http, host, path):
    """A page elsewhere cannot read the messages by pointing its own name at us."""
    answer = http.get(path, headers={"Host": host})

    assert answer.status_code == 403
    assert "localhost" in answer.text


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "[::1]:8025", "LOCALHOST", socket.gethostname(), "192.0.2.7:80"]
)
def test_a_name_of_this_machine_is_taken(http, host):
    """So is any number: only names can be pointed elsewhere."""
    assert http.get("/api/messages", headers={"Host": host}).status_code == 200


def test_a_name_that_it_is_given_is_taken_too():
    """A proxy calls it so; its own page may then do what it may here, and no other."""
    name, other = "mails.example.test", "evil.example"
    with Sandbox(smtp_port=free_port(), http_port=free_port(), names=["Mails.example.test"]) as sandbox:
        for host, origin, status in [(name, name, 204), (name, other, 403), (other, other, 403)]:
            headers = {"Host": host, "Origin": f"https://{origin}"}
            assert status == httpx.delete(f"{sandbox.url}api/messages", headers=headers).status_code


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_place_can_do_nothing(http, send, a_mail, sandbox, origin):
    """Neither forget messages nor ask for faults; ours can."""
    send(a_mail())

    assert http.delete("/api/messages", headers={"Origin": origin}).status_code == 403
    fault = {"service": "email", "match": "*", "fault": "451"}
    assert http.post("/faults", json=fault, headers={"Origin": origin}).status_code == 403
    assert len(sandbox.messages()) == 1

    own = f"http://{http.base_url.host}:{http.base_url.port}"
    assert http.delete("/api/messages", headers={"Origin": own}).status_code == 204
    assert sandbox.messages() == []


def test_everything_is_under_a_strict_policy(http):
    """No answer lets a browser run, keep or share anything; the page itself only what it brings along."""
    for path in ("/", "/api/messages", "/nothing", "/faults", "/telegram/bot1:x/getMe"):
        headers = http.get(path).headers
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "frame-src 'self'"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert not [name for name in headers if name.startswith("access-control")]


def test_the_page_is_served(http):
    """With the types that a browser insists on."""
    assert http.get("/").headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<html" in http.get("/").text
    assert http.get("/page.js").headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert http.get("/page.css").headers["Content-Type"] == "text/css; charset=utf-8"
