"""From bytes to answers, however they are cut."""

import pytest

from dispatcher.notifiers.email.reading import LONGEST_ANSWER, LONGEST_LINE, Odd, Reading
from dispatcher.notifiers.email.replies import Reply

SEVERAL = b"250 2.1.0 ok\r\n550-5.1.1 no such\r\n550-\r\n550 5.1.1 user\r\n354\r\n250 gr\xc3\xbc\xc3\x9fe\xff\n"
EXPECTED = [
    Reply(250, "2.1.0 ok"),
    Reply(550, "5.1.1 no such\n\n5.1.1 user"),
    Reply(354, ""),
    Reply(250, "grüße\udcff"),
]


def test_several_answers_in_one_segment_are_several_answers():
    assert EXPECTED == list(Reading().feed(SEVERAL))


@pytest.mark.parametrize("at", range(1, len(SEVERAL)))
def test_answers_may_be_cut_at_every_byte(at):
    reading = Reading()

    first = list(reading.feed(SEVERAL[:at]))
    whole = SEVERAL[:at].endswith(b"\n") and not SEVERAL[:at].endswith((b"such\r\n", b"550-\r\n"))

    assert whole is not reading.begun
    assert EXPECTED == first + list(reading.feed(SEVERAL[at:]))
    assert not reading.begun


def test_answers_may_come_byte_by_byte():
    reading = Reading()

    assert EXPECTED == [reply for at in range(len(SEVERAL)) for reply in reading.feed(SEVERAL[at : at + 1])]


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"25", b"what?", b"HTTP/1.1 400 Bad Request", b"2x0 ok", b"2500 ok", b"250ok", b"250_ok", b" 250 ok"),
        *(b"150 ok", b"600 ok", b"999 ok", b"000 ok", b"-25 ok", b"+25 ok", b"2\xb20 ok", b"\x16\x03\x01"),
        *(b"250-ok\r\n550 no", b"250-ok\r\nwhat?", b"250-ok\r\n"),
    ],
)
def test_what_is_no_answer_is_odd_after_those_before_it(line):
    replies = Reading().feed(b"220 hello\r\n" + line + b"\r\n250 ok\r\n")

    assert Reply(220, "hello") == next(replies)
    with pytest.raises(Odd):
        list(replies)


def test_what_is_too_long_is_odd_before_it_ends():
    with pytest.raises(Odd, match=r"^250 x{76}$"):
        list(Reading().feed(b"250 " + b"x" * LONGEST_LINE))
    with pytest.raises(Odd):
        list(Reading().feed(b"250 " + b"x" * LONGEST_LINE + b"\r\n"))
    with pytest.raises(Odd):
        list(Reading().feed((b"250-" + b"x" * 96 + b"\r\n") * (LONGEST_ANSWER // 100 + 1)))


def test_an_answer_may_be_as_long_as_that():
    line = b"250-" + b"x" * (LONGEST_LINE - 4) + b"\r\n"

    (reply,) = Reading().feed(line * 3 + line.replace(b"-", b" "))

    assert 4 * (LONGEST_LINE - 4) + 3 == len(reply.text)
