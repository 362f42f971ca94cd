"""What the failures of a try mean for the message."""

from datetime import UTC, datetime, timedelta
from time import process_time

import pytest

from dispatcher.flow.judge import judge
from dispatcher.words.errors import Failure, Kind, Reason, SomeFailed
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Rejected, Released
from dispatcher.words.retries import Ladder
from dispatcher.words.values import decode_slots, encode_slots

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RUNGS = [timedelta(seconds=10), timedelta(minutes=1), timedelta(hours=1)]
LADDER = Ladder(RUNGS)
MILLISECONDS = round(NOW.timestamp() * 1000)


def message(attempt: int = 1, **headers: object) -> Message:
    return Message(body=b"{}", id="m", headers={"dispatcher-attempt": attempt - 1, **headers})


def failure(kind: Kind, reason: Reason = Reason.SMTP_TEMPORARY, **more: timedelta) -> Failure:
    return Failure(kind, reason, f"it was {kind}", **more)


def only(error: Failure | SomeFailed, attempt: int = 1, **headers: object):
    (outcome,) = judge(message(attempt, **headers), error, "email", LADDER, NOW)
    return outcome


def test_no_error_no_problem():
    assert (Accepted(),) == judge(message(), None, "email", LADDER, NOW)


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.UNKNOWN])
@pytest.mark.parametrize(("attempt", "rung"), list(enumerate(RUNGS, start=1)))
def test_what_may_succeed_later_climbs_the_ladder(kind: Kind, attempt: int, rung: timedelta):
    outcome = only(failure(kind), attempt)

    assert isinstance(outcome, Deferred)
    assert (rung, attempt + 1) == (outcome.rung, outcome.copy.attempt)


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.UNKNOWN])
def test_after_the_last_rung_it_is_given_up(kind: Kind):
    outcome = only(failure(kind), attempt=4)

    assert isinstance(outcome, Rejected)
    assert 4 == outcome.copy.headers["dispatcher-attempt"]


def test_what_is_not_the_messages_fault_costs_no_attempt_however_often():
    outcome = only(failure(Kind.THROTTLED), attempt=4)

    assert isinstance(outcome, Deferred)
    assert (RUNGS[0], 4) == (outcome.rung, outcome.copy.attempt)


def test_an_outage_gives_the_message_back_as_it_was():
    assert Released() == only(failure(Kind.OUTAGE), attempt=4)
    nobody = SomeFailed({1: failure(Kind.OUTAGE), 2: failure(Kind.OUTAGE)}, ("a", "b", "c"))
    assert Released() == only(nobody, **{"dispatcher-done": encode_slots([0])})


def test_an_outage_after_some_were_served_lets_the_others_wait_for_a_moment():
    outcome = only(SomeFailed({1: failure(Kind.OUTAGE)}, ("a", "b")), attempt=4)

    assert isinstance(outcome, Deferred)
    assert (LADDER.delays[0], 4, {0}) == (outcome.rung, outcome.copy.attempt, outcome.copy.done)


def test_an_outage_in_the_middle_of_a_long_text_remembers_its_pieces():
    cut = Failure(Kind.OUTAGE, Reason.SERVICE_UNREACHABLE, "gone", pieces=2)

    assert {0: 2} == only(SomeFailed({0: cut}, ("a",))).copy.pieces


def test_what_may_have_been_sent_is_given_up_where_it_must_not_be_sent_twice():
    cut = failure(Kind.UNKNOWN)
    cut.final = True

    assert isinstance(only(cut), Rejected)


@pytest.mark.parametrize("kind", [Kind.CONTENT, Kind.RECIPIENT])
def test_what_cannot_succeed_is_given_up_at_once(kind: Kind):
    outcome = only(failure(kind, Reason.EXPIRED))

    assert isinstance(outcome, Rejected)
    assert "expired" == outcome.copy.headers["dispatcher-reason"]


@pytest.mark.parametrize(("wait", "delay"), [(0.5, 1), (1, 1), (2, 1), (9, 3), (10, 10), (11, 10), (59, 10), (61, 60)])
def test_a_wait_that_was_asked_for_goes_round_until_it_is_over(wait: float, delay: int):
    outcome = only(failure(Kind.THROTTLED, wait=timedelta(seconds=wait)))

    assert isinstance(outcome, Deferred)
    assert delay == outcome.rung.total_seconds()
    assert outcome.copy.not_before in {None, NOW + timedelta(seconds=wait)}
    assert (outcome.copy.not_before is None) == (wait <= delay)


def test_recipients_who_are_due_one_after_the_other_share_few_copies():
    waits = {slot: failure(Kind.THROTTLED, Reason.PACED, wait=timedelta(seconds=3 + slot)) for slot in range(100)}

    outcomes = judge(message(), SomeFailed(waits, ("a",) * 101), "email", LADDER, NOW)

    assert [3, 10, 60] == sorted(outcome.rung.total_seconds() for outcome in outcomes)
    assert set(range(101)) == set.union(*(set(range(101)) - outcome.copy.done for outcome in outcomes)) | {100}


def test_the_pieces_that_a_recipient_has_travel_along():
    failed = {1: Failure(Kind.TRANSIENT, Reason.SERVICE_ERROR, "502", pieces=2)}

    (outcome,) = judge(message(), SomeFailed(failed, ("a", "b")), "telegram", LADDER, NOW)

    assert {1: 2} == outcome.copy.pieces
    (again,) = judge(outcome.copy, SomeFailed({1: failure(Kind.TRANSIENT)}, ("a", "b")), "telegram", LADDER, NOW)
    assert {1: 2} == again.copy.pieces


def test_a_wait_longer_than_the_ladder_is_noted_in_the_copy():
    outcome = only(failure(Kind.THROTTLED, wait=timedelta(hours=2)))

    assert isinstance(outcome, Deferred)
    assert RUNGS[-1] == outcome.rung
    assert NOW + timedelta(hours=2) == outcome.copy.not_before


def test_greylisting_waits_its_five_minutes_but_never_less_than_the_ladder_says():
    asked = {attempt: only(failure(Kind.TRANSIENT, wait=timedelta(minutes=5)), attempt).rung for attempt in (1, 3)}

    assert {1: timedelta(hours=1), 3: timedelta(hours=1)} == asked


def test_a_dead_letter_says_everything():
    outcome = only(Failure(Kind.CONTENT, Reason.TOO_LARGE, "552 it is too large"), attempt=2, other="kept")

    assert isinstance(outcome, Rejected)
    assert b"{}" == outcome.copy.body
    assert {
        "dispatcher-id": "m",
        "dispatcher-queue": "email",
        "dispatcher-attempt": 2,
        "dispatcher-first-seen": MILLISECONDS,
        "dispatcher-last-try": MILLISECONDS,
        "dispatcher-kind": "content",
        "dispatcher-reason": "too-large",
        "dispatcher-error": "552 it is too large",
        "other": "kept",
        "dispatcher-copy": outcome.copy.copy,
    } == outcome.copy.headers
    assert 16 == len(outcome.copy.copy or "")


def test_when_it_was_first_seen_stays():
    outcome = only(failure(Kind.TRANSIENT), **{"dispatcher-first-seen": 1_000})

    assert 1_000 == outcome.copy.headers["dispatcher-first-seen"]


def test_a_long_error_is_cut_at_a_character():
    outcome = only(Failure(Kind.CONTENT, Reason.MALFORMED, "ä" * 1000))

    said = outcome.copy.headers["dispatcher-error"]
    assert said.endswith("ä…")
    assert len(said.encode()) <= 500


@pytest.mark.parametrize("kind", [Kind.CONTENT, Kind.TRANSIENT, Kind.THROTTLED])
def test_who_was_served_before_stays_served_whatever_goes_wrong(kind: Kind):
    said = {"dispatcher-done": encode_slots({0, 2}), "dispatcher-recipient": "b@x"}
    outcome = only(failure(kind), **said)

    assert {0, 2} == outcome.copy.done
    assert "b@x" == outcome.copy.headers["dispatcher-recipient"]


class TestSeveralRecipients:
    """Of a, b, c and d."""

    ADDRESSES = ("a@x", "b@x", "c@x", "d@x")

    def outcomes(self, failures: dict[int, Failure]):
        return judge(message(), SomeFailed(failures, self.ADDRESSES), "email", LADDER, NOW)

    def test_only_those_not_served_are_in_the_retry_copy(self):
        (deferred,) = self.outcomes({1: failure(Kind.TRANSIENT), 3: failure(Kind.TRANSIENT)})

        assert isinstance(deferred, Deferred)
        assert {0, 2} == deferred.copy.done

    def test_each_refused_one_becomes_a_dead_letter_that_names_it(self):
        gone = failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT)
        letters = self.outcomes({1: gone, 2: gone})

        assert ["b@x", "c@x"] == [letter.copy.headers["dispatcher-recipient"] for letter in letters]
        assert [{0, 2, 3}, {0, 1, 3}] == [letter.copy.done for letter in letters]
        assert all(isinstance(letter, Rejected) for letter in letters)

    def test_a_retry_copy_and_dead_letters_can_come_of_one_try(self):
        outcomes = self.outcomes(
            {
                0: failure(Kind.RECIPIENT),
                1: failure(Kind.TRANSIENT),
                2: failure(Kind.THROTTLED),
                3: failure(Kind.TRANSIENT),
            }
        )
        kinds = [(type(outcome).__name__, sorted({0, 1, 2, 3} - outcome.copy.done)) for outcome in outcomes]

        assert [("Rejected", [0]), ("Deferred", [1, 3]), ("Deferred", [2])] == kinds

    def test_texts_that_name_each_recipient_do_not_keep_them_from_one_copy(self):
        later = {at: Failure(Kind.TRANSIENT, Reason.GREYLISTED, f"451 <{who}>") for at, who in enumerate("abc")}
        (deferred,) = self.outcomes(later)

        assert {3} == deferred.copy.done
        assert "451 <a>" == deferred.copy.headers["dispatcher-error"]

    def test_nobody_failed_after_all(self):
        assert (Accepted(),) == self.outcomes({})

    def test_everybody_failing_alike_needs_no_list_of_who_is_done(self):
        (outcome,) = self.outcomes(dict.fromkeys(range(4), failure(Kind.CONTENT)))

        assert "dispatcher-done" not in outcome.copy.headers
        assert "dispatcher-recipient" not in outcome.copy.headers

    def test_ten_thousand_that_were_refused_are_judged_in_no_time(self):
        addresses = tuple(f"{number}@x" for number in range(10_000))
        refused = {at: Failure(Kind.RECIPIENT, Reason.REFUSED, f"550 {who}") for at, who in enumerate(addresses)}
        start = process_time()
        outcomes = judge(message(), SomeFailed(refused, addresses), "email", LADDER, NOW)

        assert 10_000 == len(outcomes)
        assert set(range(10_000)) - {9_999} == outcomes[-1].copy.done
        assert process_time() - start < 5  # quadratic, it took minutes

    def test_ten_thousand_recipients_fit_in_a_header(self):
        addresses = tuple(f"{number}@x" for number in range(10_000))
        (outcome,) = judge(message(), SomeFailed({5: failure(Kind.TRANSIENT)}, addresses), "email", LADDER, NOW)
        header = outcome.copy.headers["dispatcher-done"]

        assert len(header) < 2_000
        assert set(range(10_000)) - {5} == decode_slots(header)
