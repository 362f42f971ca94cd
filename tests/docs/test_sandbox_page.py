"""docs/sandbox.md, done: its commands against a real sandbox, its tables against the code."""

import re
import shlex
import smtplib
from collections.abc import Iterator

import httpx
import yaml

from dispatcher.settings import Settings
from helpers.inboxes import faults
from helpers.inboxes.parts import LARGEST
from helpers.inboxes.store import KEPT, KEPT_BYTES
from helpers.sandbox import Sandbox
from tests.docs.pages import Page

PAGE = Page("sandbox.md")
SHOWN = "http://127.0.0.1:8025/"
MIB = 1024 * 1024


def run(sandbox: Sandbox, command: str) -> httpx.Response:
    """Do what a command line with curl would do; ports are the sandbox's."""
    curl, *words = shlex.split(command.replace(SHOWN, sandbox.url))
    method, body = "GET", None
    while words:
        match words:
            case ["-X", given, *words]:
                method = given
            case ["--json", given, *words]:
                method, body = "POST", given
            case [url, *words]:
                address = url
    assert curl == "curl"
    return httpx.request(method, address, content=body, headers={"content-type": "application/json"} if body else {})


def commands(heading: str) -> list[str]:
    (block,) = PAGE.examples("sh", heading)
    return block.splitlines()


def arrive(sandbox: Sandbox) -> None:
    """Let one message of each service arrive, at the addresses of the page."""
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as smtp:
        smtp.sendmail("noreply@example.org", ["ada@example.org"], "Subject: Open day\r\n\r\nHello\r\n")
    settings = sent_to_the_sandbox()
    for base, path, body, login in (
        (settings.telegram.api_url, "/bot4711:sandbox/sendMessage", {"chat_id": 4711, "text": "The open day"}, ""),
        (settings.slack.api_url, "/chat.postMessage", {"channel": "#team", "text": "The open day"}, "xoxb-sandbox"),
        (settings.slack.webhooks["alerts"].get_secret_value(), "", {"text": "The open day"}, ""),
    ):
        url = base.replace(SHOWN, sandbox.url) + path
        httpx.post(url, json=body, headers={"authorization": f"Bearer {login}"} if login else {}).raise_for_status()


def sent_to_the_sandbox():
    (example,) = PAGE.examples("yaml")
    return Settings.model_validate(yaml.safe_load(example)).notifiers


def test_messages_arrive_where_the_page_says(sandbox: Sandbox):
    arrive(sandbox)

    told = [(message.service, *message.to) for message in sandbox.messages()]
    assert [("email", "ada@example.org"), ("telegram", "4711"), ("slack", "#team")] == told[:3]
    assert "slack" == told[3][0]
    assert "alerts" in str(told[3])


def test_what_arrived_can_be_asked_for(sandbox: Sandbox):
    arrive(sandbox)
    searched, detail, raw, cleared = (run(sandbox, command) for command in commands("## Asking it"))

    (found,) = searched.json()["messages"]
    (keys,) = re.findall(r"^Each in the list has (.+)\. An", PAGE.section("## Asking it"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", keys)) == set(found)
    assert ("telegram", "The open day", 1) == (found["service"], found["title"], searched.json()["total"])
    assert "Open day" == detail.json()["subject"]
    assert raw.text.startswith("Subject: Open day")
    assert 204 == cleared.status_code
    assert ["email", "slack", "slack"] == [message.service for message in sandbox.messages()]


def test_every_path_of_the_page_is_there(sandbox: Sandbox):
    arrive(sandbox)
    paths = {path for row in PAGE.rows("## Asking it") for path in re.findall(r"GET (/api/[\w/{}]+)", row[0])}

    assert 6 == len(paths)
    for path in paths - {"/api/events", "/api/messages/{id}/html", "/api/messages/{id}/files/{n}"}:
        assert 200 == httpx.get(sandbox.url + path[1:].replace("{id}", "1")).status_code
    assert "no HTML" in httpx.get(f"{sandbox.url}api/messages/1/html").text
    assert "no such file" in httpx.get(f"{sandbox.url}api/messages/1/files/0").text
    with httpx.stream("GET", f"{sandbox.url}api/events") as events:
        assert "text/event-stream" in events.headers["content-type"]


def test_programs_for_mailhog_find_their_mails(sandbox: Sandbox):
    arrive(sandbox)
    found, listed, cleared = (run(sandbox, command) for command in commands("## MailHog"))

    assert 1 == found.json()["total"] == listed.json()["total"]
    assert ["Open day"] == found.json()["items"][0]["Content"]["Headers"]["Subject"]
    assert 200 == cleared.status_code
    assert {"telegram", "slack"} == {message.service for message in sandbox.messages()}


def test_faults_can_be_asked_for(sandbox: Sandbox):
    *asked, listed, deleted, cleared = (run(sandbox, command) for command in commands("## Faults"))

    assert [201] * 3 == [answer.status_code for answer in asked]
    assert ["451", "429-once", "invalid_auth"] == [fault["fault"] for fault in listed.json()["faults"]]
    assert (204, 204) == (deleted.status_code, cleared.status_code)


def test_each_address_of_the_page_is_a_fault():
    for service, address in addresses():
        assert faults.named(service, address), address
    assert None is faults.named("email", "ada@example.org")


def addresses() -> Iterator[tuple[str, str]]:
    """Give the addresses in the table, each with its service."""
    for row in PAGE.rows("## Faults"):
        for name in re.findall(r"`?([^\s`,]+)`?", row[0]) if len(row) == 2 else []:
            if "@example" in name:
                yield "email", name
            elif name.startswith("@") or name.isdigit():
                yield "telegram", name
            elif name.startswith("#"):
                yield "slack", name


def test_a_code_is_answered_as_often_as_the_page_says(sandbox: Sandbox):
    def send() -> int:
        with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as smtp:
            smtp.ehlo()
            smtp.mail("a@example.org")
            return smtp.rcpt("452-3-times@example.org")[0]

    assert [452, 452, 452, 250, 452] == [send() for _ in range(5)]


def test_the_keys_of_a_fault_are_those_there_are():
    keys = {name: needed for name, _, needed, _ in (row for row in PAGE.rows("## Faults") if len(row) == 4)}

    assert faults.ASKED == set(keys)
    assert {"service", "fault"} == {name for name, needed in keys.items() if needed == "required"}


def test_the_bounds_of_the_page_are_true():
    assert PAGE.says(f"the newest {KEPT:,} messages, {KEPT_BYTES // MIB} MiB of them")
    assert PAGE.says(f"One mail or request is {LARGEST // MIB} MiB at most.")
