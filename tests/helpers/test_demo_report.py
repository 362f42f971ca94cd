"""What the demonstration takes for right, and what it says where something is not."""

from typing import NamedTuple

import pytest

from helpers.demo_pictures import show_arrived
from helpers.demo_queues import DeadLetter, Standing
from helpers.demo_report import Account, asked_for, complaints_about_letters, complaints_about_queues

DOOMED = "doomed"
LETTER = DeadLetter("email.dead", DOOMED, "550@example.org", "no-such-recipient", "no such user", 1)


class Arrived(NamedTuple):
    """A message as the sandbox keeps it."""

    service: str
    to: list[str]
    name: str = ""
    title: str = "A [title]"
    arrived: float = 2.0

    def header(self, name):
        """Only mails know the id of their notification."""
        return f"<{self.name}@example.org>" if self.service == "email" and name == "Message-ID" else ""


def told(queue, message_id, *to, messages=None):
    """What `send.py` says of a notification."""
    number = len(to) if messages is None else messages
    return {
        "queue": queue,
        "message_id": message_id,
        "template": "custom",
        "to": to,
        "messages": number,
        "published": 1,
    }


def line(outcome="accepted", attempt=1):
    """What the daemon's log says of a settlement."""
    return {"outcome": outcome, "attempt": attempt}


EXPECTED = [
    *asked_for(told("email", "mail", "a@x", "b@x")),
    *asked_for(told("email", "shared", "a@x", "b@x", messages=1)),
    *asked_for(told("telegram", "chat", "4711", "-5")),
    *asked_for(told("slack", "conversation", "#a")),
    *asked_for(told("email", "tough", "t@x"), attempts=3),
]
ARRIVED = [
    Arrived("email", ["b@x"], "mail.1"),
    Arrived("email", ["a@x"], "mail.0"),
    Arrived("email", ["a@x", "b@x"], "shared"),
    Arrived("telegram", ["4711"]),
    Arrived("telegram", ["-5"]),
    Arrived("slack", ["#a"]),
    Arrived("email", ["t@x"], "tough"),
]
SETTLED = {
    "mail": [line()],
    "shared": [line()],
    "chat": [line("deferred"), line()],
    "conversation": [line()],
    "tough": [line("deferred"), line("deferred", 2), line(attempt=3)],
    DOOMED: [line("rejected")],
}


def test_where_all_is_right_there_is_nothing_to_say():
    """What nobody here asked for counts for nothing."""
    account = Account(
        EXPECTED, DOOMED, [*ARRIVED, Arrived("email", ["a@x"], "other"), Arrived("slack", ["#b"])], SETTLED
    )

    assert account.finished
    assert account.complaints() == []


@pytest.mark.parametrize(
    ("arrived", "settled", "sentence"),
    [
        (ARRIVED[1:], {}, "1 of 7 messages did not arrive: email custom to b@x."),
        (
            [*ARRIVED[:3], ARRIVED[6]],
            {},
            "3 of 7 messages did not arrive: telegram custom to 4711; telegram custom to -5; slack custom to #a.",
        ),
        ([*ARRIVED, ARRIVED[3]], {}, "1 of 7 messages arrived more than once: telegram custom to 4711."),
        (
            ARRIVED,
            {"conversation": [line("deferred")]},
            "1 of 7 messages arrived, but the daemon does not say that they were taken: slack custom to #a.",
        ),
        (
            ARRIVED,
            {"tough": [line("deferred"), line(attempt=2)]},
            "1 of 7 messages took another number of attempts than they should have: email custom to t@x.",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence(arrived, settled, sentence):
    """With what it is about."""
    assert Account(EXPECTED, DOOMED, arrived, {**SETTLED, **settled}).complaints() == [sentence]


def test_many_are_summed_up():
    """The sentence stays readable."""
    (sentence,) = Account(EXPECTED, DOOMED, [], SETTLED).complaints()

    assert sentence.startswith("7 of 7 messages did not arrive: ")
    assert sentence.endswith("; 2 more.")


def test_two_for_one_chat_are_told_apart():
    """Each of two notifications needs a message of its own there."""
    expected = [*asked_for(told("slack", "one", "#a")), *asked_for(told("slack", "two", "#a"))]
    settled = {"one": [line()], "two": [line()]}
    message = Arrived("slack", ["#a"])

    assert Account(expected, DOOMED, [message, message], settled).complaints() == []
    assert "1 of 2 messages did not arrive" in Account(expected, DOOMED, [message], settled).complaints()[0]
    assert "1 of 2 messages arrived more than once" in Account(expected, DOOMED, [message] * 3, settled).complaints()[0]


@pytest.mark.parametrize("message_id", [DOOMED, "mail", "tough"])
@pytest.mark.parametrize("lines", [[], [line("deferred")]])
def test_it_waits_until_each_is_settled_for_good(message_id, lines):
    """What will be a dead letter too."""
    assert not Account(EXPECTED, DOOMED, ARRIVED, {**SETTLED, message_id: lines}).finished


@pytest.mark.parametrize(
    ("letters", "sentences"),
    [
        ([LETTER], []),
        ([], ["The dead letter is missing in email.dead."]),
        (
            [LETTER._replace(reason="expired")],
            ["The reason of the dead letter is expired, it should be no-such-recipient."],
        ),
        (
            [LETTER, LETTER],
            ["There are more dead letters than one: email.dead: 550@example.org (no-such-recipient)."],
        ),
        (
            [LETTER._replace(message_id="other")],
            [
                "The dead letter is missing in email.dead.",
                "There are more dead letters than one: email.dead: 550@example.org (no-such-recipient).",
            ],
        ),
        (
            [LETTER, LETTER._replace(queue="slack.dead", to="#a", reason="content")],
            ["There are more dead letters than one: slack.dead: #a (content)."],
        ),
    ],
)
def test_there_has_to_be_one_dead_letter_and_why_on_it(letters, sentences):
    """Of ours, in the queue for it."""
    assert complaints_about_letters(letters, DOOMED) == sentences


def test_a_queue_that_is_not_empty_is_named():
    """With how many messages are in it."""
    standing = {"email": Standing(0, 1), "slack.retry.1s": Standing(2, 0)}

    assert complaints_about_queues(standing) == ["The queue slack.retry.1s still holds messages: 2."]


def test_the_table_says_what_is_missing_and_what_came_twice(capsys):
    """Foreign text is shown as it is."""
    show_arrived(Account(EXPECTED[:3], DOOMED, [ARRIVED[0], ARRIVED[2], ARRIVED[2]], SETTLED))

    first, second, third = (row for row in capsys.readouterr().out.splitlines() if "│ custom" in row)
    assert "missing" in first
    assert "1,000 ms │        1 │" in second
    assert "A [title]" in second
    assert "1,000 ms (2 times)" in third
