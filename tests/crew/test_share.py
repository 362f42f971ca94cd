"""What one of several processes may use."""

from datetime import timedelta

import pytest

from dispatcher.config import setup
from dispatcher.crew.share import share
from dispatcher.words.rates import parse_rate


@pytest.mark.parametrize("of", [2, 3, 7, 64])
@pytest.mark.parametrize("text", ["30/s", "1/s", "20/m", "500/h", "1/10s", "7/s"])
def test_all_shares_of_a_pace_together_are_no_more_than_the_pace(text: str, of: int):
    settings = setup({"notifiers": {"email": {"pace": {"server": text}}}})
    whole = parse_rate(text)
    part = share(settings, 1, of).notifiers.email.pace.server

    assert whole is not None
    assert part is not None
    together = of * part.count / part.period.total_seconds()
    assert together <= whole.count / whole.period.total_seconds()
    assert together >= whole.count / whole.period.total_seconds() / 2


def test_every_pace_is_divided_and_none_stays_none():
    values = {
        "email": {"pace": {"domain": "none", "domains": {"example.org": "10/s", "example.com": "none"}}},
        "telegram": {"pace": {"chat": "1/s", "group": "20/m", "bot": "30/s"}},
    }
    notifiers = share(setup({"notifiers": values}), 1, 2).notifiers

    assert (None, None) == (notifiers.email.pace.domain, notifiers.email.pace.domains["example.com"])
    assert "5/s" == str(notifiers.email.pace.domains["example.org"])
    telegram = notifiers.telegram.pace
    assert ("1/2s", "10/m", "15/s") == (str(telegram.chat), str(telegram.group), str(telegram.bot))
    assert "1/2s" == str(notifiers.slack.pace.conversation)


def test_each_has_its_part_of_the_connections_and_one_at_least():
    settings = setup({"notifiers": {"email": {"connections": 10}, "slack": {"connections": 1}}})
    parts = [share(settings, number, 3).notifiers for number in (1, 2, 3)]
    notifiers = parts[0]

    assert [4, 3, 3] == [one.email.connections for one in parts]
    assert [1, 1, 1] == [one.slack.connections for one in parts]
    assert settings.notifiers.email.timeouts == notifiers.email.timeouts
    assert timedelta(seconds=30) == notifiers.email.idle


def test_a_single_process_has_all():
    settings = setup({})

    assert settings is share(settings, 1, 1)
