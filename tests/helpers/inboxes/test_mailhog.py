"""MailHog's API, as programs ask it that know MailHog."""

import pytest


@pytest.fixture
def mails(send, http, a_mail):
    """Three mails, and a message that is none."""
    numbers = [send(a_mail(f"Body {n}", Subject=f"Mail {n}"), f"user{n}@example.org") for n in range(3)]
    http.post("/slack/services/ops", json={"text": "Body"})
    return [str(number) for number in numbers]


def test_mails_are_listed_in_pages(http, mails):
    """Newest first; `total` counts all, `count` those of the page."""
    page = http.get("/api/v2/messages?start=1&limit=1").json()

    assert {key: page[key] for key in ("total", "count", "start")} == {"total": 3, "count": 1, "start": 1}
    assert [item["ID"] for item in page["items"]] == [mails[1]]
    assert [item["ID"] for item in http.get("/api/v2/messages").json()["items"]] == mails[::-1]
    assert [item["ID"] for item in http.get("/api/v1/messages").json()] == mails[::-1]


def test_a_mail_is_told_as_mailhog_tells_it(http, mails):
    """Paths taken apart, headers as lists and not decoded, body, raw text, time."""
    mail = http.get(f"/api/v1/messages/{mails[0]}").json()

    assert mail["ID"] == mails[0]
    assert mail["From"] == {"Relays": None, "Mailbox": "noreply", "Domain": "example.org", "Params": ""}
    assert mail["To"] == [{"Relays": None, "Mailbox": "user0", "Domain": "example.org", "Params": ""}]
    assert mail["Content"]["Headers"]["Subject"] == ["Mail 0"]
    assert mail["Content"]["Body"].strip() == "Body 0"
    assert mail["Content"]["Size"] == len(mail["Content"]["Body"])
    assert mail["MIME"] is None
    assert mail["Created"].endswith("Z")
    assert mail["Raw"]["From"] == "noreply@example.org"
    assert mail["Raw"]["To"] == ["user0@example.org"]
    assert mail["Raw"]["Data"].endswith(mail["Content"]["Body"])
    assert mail["Raw"]["Helo"]


def test_the_parts_of_a_mail_are_told(send, http, a_mail):
    """Each with its headers and its body, still encoded, parts of parts too."""
    mail = a_mail("Text", Subject="Grüße")
    mail.add_alternative("<p>HTML</p>", subtype="html")
    mail.add_attachment(b"bytes", maintype="application", subtype="pdf", filename="x.pdf")
    number = send(mail)

    told = http.get(f"/api/v1/messages/{number}").json()

    assert told["Content"]["Headers"]["Subject"] == ["=?utf-8?q?Gr=C3=BC=C3=9Fe?="]
    bodies, attachment = told["MIME"]["Parts"]
    text, html = bodies["MIME"]["Parts"]
    assert (text["Body"].strip(), html["Body"].strip()) == ("Text", "<p>HTML</p>")
    assert attachment["Headers"]["Content-Disposition"] == ['attachment; filename="x.pdf"']
    assert attachment["Body"].strip() == "Ynl0ZXM="
    assert attachment["MIME"] is None


@pytest.mark.parametrize(
    ("kind", "query", "found"),
    [
        ("to", "USER1@", [1]),
        ("to", "example.org", [2, 1, 0]),
        ("from", "noreply", [2, 1, 0]),
        ("from", "user1", []),
        ("containing", "body 2", [2]),
        ("containing", "mail 0", [0]),
    ],
)
def test_mails_are_searched(http, mails, kind, query, found):
    """Wherever MailHog looks."""
    answer = http.get("/api/v2/search", params={"kind": kind, "query": query}).json()

    assert [item["ID"] for item in answer["items"]] == [mails[n] for n in found]
    assert answer["total"] == len(found)


@pytest.mark.parametrize("query", ["kind=subject&query=x", "kind=to", "kind=to&query=x&limit=y"])
def test_a_wrong_search_is_refused(http, query):
    """In a sentence."""
    answer = http.get(f"/api/v2/search?{query}")

    assert (answer.status_code, " must " in answer.json()["error"]) == (400, True)


def test_mails_are_deleted(http, mails, sandbox):
    """One or all, with 200; what is no mail stays."""
    assert http.delete(f"/api/v1/messages/{mails[0]}").status_code == 200
    assert http.get(f"/api/v1/messages/{mails[0]}").status_code == 404
    slack = sandbox.messages("slack")[0].id
    assert http.delete(f"/api/v1/messages/{slack}").status_code == 404

    assert http.delete("/api/v1/messages").status_code == 200
    assert [message.service for message in sandbox.messages()] == ["slack"]
