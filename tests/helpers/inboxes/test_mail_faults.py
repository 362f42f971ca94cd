"""What goes wrong with mails, at each point of the conversation, as a sender meets it."""

import asyncio

import aiosmtplib
import pytest

TEXT = b"Subject: x\r\n\r\nhello"
SHORT = 1.0
"""Seconds until a sender gives up that gets no answer."""


@pytest.fixture
async def smtp(sandbox):
    """Give a new connection each time, with so many seconds of patience."""
    connections = []

    async def connect(patience=5.0):
        connection = aiosmtplib.SMTP(hostname="127.0.0.1", port=sandbox.smtp_port, timeout=patience)
        await connection.connect()
        connections.append(connection)
        return connection

    yield connect
    for connection in connections:
        connection.close()
    await asyncio.sleep(0)


async def attempts(smtp, recipient, times, sender="a@example.org"):
    """The codes of so many tries, each on a connection of its own."""
    codes = []
    for _ in range(times):
        connection = await smtp()
        try:
            await connection.mail(sender)
            await connection.rcpt(recipient)
            await connection.data(TEXT)
            codes.append(250)
        except aiosmtplib.SMTPResponseException as refused:
            codes.append(refused.code)
    return codes


@pytest.mark.parametrize(
    ("recipient", "codes"),
    [
        ("550@example.org", [550, 550, 550]),
        ("451-once@example.org", [451, 250, 451, 250]),
        ("451-twice@example.org", [451, 451, 250, 451]),
        ("451-3-times@example.org", [451, 451, 451, 250, 451]),
        ("450-once+17@example.org", [450, 250]),
        ("554-at-data@example.org", [554, 554]),
        ("452-at-data-once@example.org", [452, 250, 452]),
        ("ada@550.example.org", [250]),
        ("5500@example.org", [250]),
        ("250@example.org", [250]),
    ],
)
async def test_an_address_is_refused_as_it_says(smtp, sandbox, recipient, codes):
    """So often, taken once, and refused again; only what was taken is kept."""
    assert await attempts(smtp, recipient, len(codes)) == codes
    assert len(sandbox.messages()) == codes.count(250)


async def test_each_address_is_counted_by_itself(smtp):
    """However alike they are."""
    assert await attempts(smtp, "451-once@one.example", 1) == [451]
    assert await attempts(smtp, "451-once@two.example", 1) == [451]
    assert await attempts(smtp, "451-once+1@one.example", 1) == [451]
    assert await attempts(smtp, "451-once@one.example", 1) == [250]


async def test_one_recipient_of_several_is_refused(smtp, sandbox):
    """The others get the mail."""
    connection = await smtp()
    refused, _ = await connection.sendmail("a@example.org", ["ada@example.org", "550@example.org"], TEXT)

    assert list(refused) == ["550@example.org"]
    assert sandbox.messages()[0].recipients == ("ada@example.org",)


async def test_after_a_421_the_connection_ends(smtp):
    """As it does anywhere."""
    connection = await smtp()
    await connection.mail("a@example.org")

    with pytest.raises(aiosmtplib.SMTPException):
        await connection.rcpt("421@example.org")
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await connection.noop()


@pytest.mark.parametrize(
    ("name", "phase", "kept"),
    [("at-mail", "mail", 0), ("at-rcpt", "rcpt", 0), ("at-data", "data", 0), ("after-data", "data", 1)],
)
@pytest.mark.parametrize(
    ("deed", "failure"), [("cut", aiosmtplib.SMTPServerDisconnected), ("hang", aiosmtplib.SMTPTimeoutError)]
)
async def test_the_conversation_stops(smtp, sandbox, deed, failure, name, phase, kept):
    """Cut off or without an answer, at each step; a mail that was complete is kept all the same."""
    address = f"{deed}-{name}-once@example.org"
    connection = await smtp(SHORT if deed == "hang" else 5.0)
    steps = {
        "mail": lambda: connection.mail(address if phase == "mail" else "a@example.org"),
        "rcpt": lambda: connection.rcpt(address),
        "data": lambda: connection.data(TEXT),
    }
    for step, take in steps.items():
        if step == phase:
            break
        await take()
    with pytest.raises(failure):
        await steps[phase]()
    assert len(sandbox.messages()) == kept

    sender = address if phase == "mail" else "a@example.org"
    assert await attempts(smtp, address, 1, sender=sender) == [250]
    assert len(sandbox.messages()) == kept + 1


async def test_slow_is_taken_all_the_same(smtp, sandbox):
    """After the time that was asked for, and not before."""
    connection = await smtp()
    await connection.mail("a@example.org")
    await connection.rcpt("slow@example.org")
    started = asyncio.get_running_loop().time()

    await connection.data(TEXT)

    assert asyncio.get_running_loop().time() - started >= 1.9
    assert len(sandbox.messages()) == 1


async def test_garbage_is_no_answer(smtp, sandbox):
    """And the mail was not taken."""
    connection = await smtp()
    await connection.mail("a@example.org")
    await connection.rcpt("garbage@example.org")

    with pytest.raises(aiosmtplib.SMTPException):
        await connection.data(TEXT)
    assert sandbox.messages() == []


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ({"match": "*", "fault": "451", "times": 2}, [451, 451, 250]),
        ({"match": "*", "fault": "451-twice"}, [451, 451, 250]),
        ({"match": "ADA@example.org", "fault": "550"}, [550, 550, 550]),
        ({"match": "*@example.org", "fault": 452, "times": 1}, [452, 250, 250]),
        ({"match": "bob@example.org", "fault": "550"}, [250, 250, 250]),
        ({"match": "*", "fault": "553-at-mail"}, [553, 553, 553]),
        ({"match": "*", "fault": "554-at-data"}, [554, 554, 554]),
    ],
)
async def test_a_fault_can_be_asked_for(smtp, http, fault, codes):
    """For some addresses or for all, so often or until it is taken back."""
    asked = http.post("/faults", json={"service": "email", **fault})
    assert asked.status_code == 201

    assert await attempts(smtp, "ada@example.org", 3) == codes

    http.delete(f"/faults/{asked.json()['id']}")
    assert await attempts(smtp, "ada@example.org", 1) == [250]


async def test_a_fault_says_what_it_was_told_to_say(smtp, http):
    """The text that was asked for."""
    http.post("/faults", json={"service": "email", "match": "*", "fault": "450", "text": "4.2.0 Come back at noon"})
    connection = await smtp()
    await connection.mail("a@example.org")

    with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
        await connection.rcpt("ada@example.org")
    assert (refused.value.code, refused.value.message) == (450, "4.2.0 Come back at noon")


def test_faults_are_listed_and_taken_back(http):
    """With how often they will still happen."""
    first = http.post("/faults", json={"service": "email", "match": "a@x", "fault": "hang", "times": 3}).json()["id"]
    second = http.post("/faults", json={"service": "slack", "match": "#ops", "fault": "slow", "seconds": 0.5}).json()

    one, two = http.get("/faults").json()["faults"]
    assert one == {"id": first, "service": "email", "match": "a@x", "fault": "hang", "times": 3} | {
        "seconds": 2.0,
        "text": "",
    }
    assert (two["times"], two["seconds"]) == (None, 0.5)

    assert http.delete(f"/faults/{second['id']}").status_code == 204
    assert http.delete(f"/faults/{second['id']}").status_code == 404
    assert len(http.get("/faults").json()["faults"]) == 1
    assert http.delete("/faults").status_code == 204
    assert http.get("/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ([], "is a JSON object"),
        ({"service": "fax", "fault": "1"}, "service must be one of email, telegram, slack"),
        ({"service": "email"}, "'' is no fault of email; there are"),
        ({"service": "email", "fault": "250"}, "'250' is no fault of email"),
        ({"service": "email", "fault": "migrated"}, "is no fault of email"),
        ({"service": "email", "fault": "hang-after"}, "hang cannot happen after"),
        ({"service": "telegram", "fault": "hang-at-data"}, "hang cannot happen at data"),
        ({"service": "telegram", "fault": "429-after"}, "cannot happen after"),
        ({"service": "slack", "fault": "Ünsinn"}, "is no fault of slack"),
        ({"service": "email", "fault": "451", "times": 0}, "times must be"),
        ({"service": "email", "fault": "451-once", "times": 2}, "either in the name"),
        ({"service": "email", "fault": "451", "seconds": -1}, "seconds must be"),
        ({"service": "email", "fault": "451", "text": "a\r\nb"}, "text must be a line"),
        ({"service": "email", "fault": "451", "match": []}, "match must be"),
        ({"service": "email", "fault": "451", "matches": "*"}, "no 'matches', only"),
    ],
)
def test_a_wrong_fault_is_answered_with_a_sentence(http, fault, sentence):
    """400, and what would be right."""
    answer = http.post("/faults", json=fault)

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert http.get("/faults").json() == {"faults": []}


def test_a_fault_that_is_no_json_is_refused(http):
    """Too."""
    answer = http.post("/faults", content=b"451")
    assert answer.status_code == 400
    answer = http.post("/faults", content=b"{")
    assert "This is not JSON" in answer.json()["error"]
