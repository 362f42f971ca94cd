"""The table itself."""

from pathlib import Path

import pytest

from tests.faults.count import Promise, Row, Tally
from tests.faults.table import BEGIN, END, PAGE, cells, write
from tests.smtp_server import SmtpServer

ROW = Row("a fault", 250, 0, 2, None, 0, 0, 0.34)


def test_it_is_written_between_its_two_comments(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nan old table\n{END}\nafter\n")
    write(cells([ROW.as_property()]), page)
    *_, last = page.read_text().partition(BEGIN)[2].partition(END)[0].split("\n\n")[1].splitlines()

    assert "| a fault | 250 | 0 | 2 | - | 0 | 0 | 0.3 s |" == last
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
    assert "an old table" not in page.read_text()


def test_the_page_has_a_place_for_it():
    assert 1 == PAGE.read_text().count(BEGIN) == PAGE.read_text().count(END)


def test_a_broken_promise_is_named_in_a_sentence():
    row = Row("a fault", 3, 1, 1, None, 0, 0, 0.3, missing=["m2"], again={"m1": 1})
    with pytest.raises(AssertionError, match=r"a fault: 1 of 3 messages are lost \(m2\); 1 mails came twice \(m1\)"):
        Promise().hold(row, Tally(SmtpServer()), [], left=0, codes=[0])
