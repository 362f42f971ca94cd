"""Counting, adding up, and what Prometheus reads of it."""

import json
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dispatcher import __version__
from dispatcher.metrics import exposition
from dispatcher.observers.figures import Count
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.figures import from_json, to_json, together
from dispatcher.words.health import Health, QueueHealth, State
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Outcome, Rejected, Released, Settlement

LATER = Failure(Kind.TRANSIENT, Reason.GREYLISTED, "451 later")
NEVER = Failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT, "550 nobody")
COPY = Message(body=b"", id="m")


def settlement(*outcomes: Outcome, seconds: float = 0.004, redelivered: bool = False) -> Settlement:
    return Settlement(queue="email", message=COPY, outcomes=outcomes, seconds=seconds, redelivered=redelivered)


@pytest.fixture
def count() -> Count:
    count = Count()
    for one in (
        settlement(Accepted()),
        settlement(Accepted(), seconds=0.001),
        settlement(Accepted(), seconds=100, redelivered=True),
        settlement(Released()),
        settlement(Deferred(COPY, timedelta(seconds=10), LATER), Rejected(COPY, NEVER), Rejected(COPY, NEVER)),
        settlement(Rejected(COPY, NEVER)),
    ):
        count(one)
    return count


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Read it as Prometheus does: each value by its name and its labels."""
    families = text_string_to_metric_families(text.decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_settlements_are_counted_by_outcome_and_reason(count: Count):
    read = samples(exposition(Health(), count.figures))

    assert {
        ("dispatcher_messages_settled_total", "accepted", "email", ""): 3,
        ("dispatcher_messages_settled_total", "released", "email", ""): 1,
        ("dispatcher_messages_settled_total", "deferred", "email", "greylisted"): 1,
        ("dispatcher_messages_settled_total", "rejected", "email", "no-such-recipient"): 1,
    } == {labels: value for labels, value in read.items() if labels[0] == "dispatcher_messages_settled_total"}
    assert 3 == read["dispatcher_dead_letters_total", "email", "no-such-recipient"]
    assert 1 == read["dispatcher_messages_redelivered_total", "email"]


def test_each_bucket_holds_those_before_it(count: Count):
    read = samples(exposition(Health(), count.figures))
    buckets = [read["dispatcher_settlement_seconds_bucket", le, "email"] for le in ("0.001", "0.0025", "0.005", "60.0")]

    assert [1, 1, 5, 5] == buckets
    assert 6 == read["dispatcher_settlement_seconds_bucket", "+Inf", "email"]
    assert 6 == read["dispatcher_settlement_seconds_count", "email"]
    assert 100.017 == pytest.approx(read["dispatcher_settlement_seconds_sum", "email"])


def test_figures_of_several_processes_are_added_up_and_survive_the_way(count: Count):
    other = Count()
    other(settlement(Accepted()))
    on_the_way = from_json(json.loads(json.dumps(to_json(count.figures))))
    whole = together([on_the_way, other.figures, {}])

    assert 4 == whole["email"].settled["accepted", ""]
    assert 7 == sum(whole["email"].spans)
    assert count.figures == on_the_way


@pytest.mark.parametrize("value", [None, [], {"email": {}}, {"email": {"spans": [1]}}])
def test_what_are_no_figures_is_not_taken_for_some(value: object):
    with pytest.raises(ValueError, match="no figures"):
        from_json(value)


def test_the_daemon_itself_is_in_it():
    queues = {
        "email": QueueHealth(State.PAUSED, processes={State.PAUSED: 1, State.TAKING: 1}),
        "slack": QueueHealth(State.OFF),
    }
    read = samples(exposition(Health(queues, processes=(2, 3), journal="no space"), {}, restarts=5))

    assert [1, 1, 0] == [read["dispatcher_queue_state", "email", state] for state in ("paused", "taking", "waiting")]
    assert [2, 0] == [read["dispatcher_queue_state", "slack", state] for state in ("off", "taking")]
    names = ("ready", "journal_on_disk", "processes", "processes_wanted", "process_restarts_total")
    assert [1, 0, 2, 3, 5] == [read[f"dispatcher_{name}",] for name in names]
    assert [1] == [value for (name, *labels), value in read.items() if name.endswith("info") and __version__ in labels]


def test_every_name_keeps_the_rules_of_prometheus(count: Count):
    families = list(text_string_to_metric_families(exposition(Health(), count.figures).decode()))

    assert all(family.name.startswith("dispatcher_") and family.documentation for family in families)
    assert {"counter", "gauge", "histogram"} == {family.type for family in families}
