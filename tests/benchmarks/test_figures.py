"""The arithmetic of the benchmarks, and what their tables say."""

import pytest

from benchmarks import report
from benchmarks.contenders import OURS, PLAIN
from benchmarks.figures import percentile, ratio, rounded, spread
from benchmarks.page import NoPlaceError, markers, replaced
from benchmarks.tables import Table

SEEN = {"cores": "2", "processor": "P", "RabbitMQ": "3", "Python": "3.11", "command": "make bench", "day": "today"}


def a_round(name, rate, cpu, **more):
    usual = {"processes": 1, "template": "hello", "void": [], "together": 50.0, "largest": 40.0, "mails": 100}
    servers = {"broker_cpu": 0.01, "sink_cpu": 0.02, "others_cpu": 0.1, "seconds": 1.0}
    return {"contender": name, **usual, **servers, "rate": rate, "cpu_per_mail": cpu, **more}


def test_several_rounds_are_their_median_and_how_far_they_spread():
    assert str(spread([3.0, 1.0, 2.0])) == "2.00 (1.00-3.00)"


def test_one_round_has_no_spread():
    assert str(spread([1234.5])) == "1,234"


def test_no_round_is_no_figure():
    with pytest.raises(ValueError, match="no round"):
        spread([])


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (43.21, "43.2"), (999.6, "1,000")]
)
def test_a_figure_has_about_three_digits(value, said):
    assert rounded(value) == said


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_measured(share, expected):
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_a_ratio_to_nothing_is_said_to_be_none():
    assert (ratio(3, 2), ratio(3, 0)) == ("1.5 x", "-")


def test_ours_is_compared_with_the_best_of_the_others_in_each_respect():
    """One may be the quickest, another the cheapest."""
    records = [
        a_round(OURS, 1000, 0.5),
        a_round(PLAIN, 200, 2.0),
        a_round("Dramatiq", 250, 3.0),
        *({"floor": part, "rate": 1, "cpu_per_mail": 0.1} for part in ("amqp", "render", "smtp")),
    ]
    table, floor = report.throughput(records)

    assert table.note.startswith(
        "Against the best of the others: 4.0 x the mails, 1/4.0 of the CPU time. The floor is 0.300 ms: 1.7 x of it."
    )
    assert ("together", "0.300", "3,333") == floor.rows[-1]


def test_a_round_that_does_not_count_is_no_figure_but_is_told():
    records = [a_round(OURS, 1000, 0.5), {**a_round(PLAIN, 1, 1, void=["99 mails came instead of 100"])}]
    del records[1]["rate"]
    rows = report.throughput(records)[0].rows

    assert (PLAIN, "-", "-", "-", "-", "1") == rows[1]


def test_a_table_finds_its_place_on_the_page():
    begin, end = markers("slow")
    table = Table("Title", ("", "a"), [("x", "1")], "Note.")
    page = replaced(f"before\n{begin}\nold\n{end}\nafter\n", "slow", [table], SEEN)

    assert page.startswith(
        f"before\n{begin}\n\n**Title**\n\n|  | a |\n| --- | --: |\n| x | 1 |\n\nNote.\n\n2 cores of P;"
    )
    assert page.endswith(f"`make bench`.\n\n{end}\nafter\n")
    assert "old" not in page


def test_a_page_without_the_place_is_not_written():
    with pytest.raises(NoPlaceError, match="no place for slow"):
        replaced("nothing", "slow", [], SEEN)
