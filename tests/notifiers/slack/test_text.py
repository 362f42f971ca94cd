"""The text that stands beside blocks, for notifications and search."""

import pytest

from dispatcher.notifiers.slack.text import LONGEST, text_of


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def rich(*elements, kind="rich_text_section"):
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}


def test_it_is_what_can_be_read_in_their_order():
    blocks = [
        {"type": "header", "text": plain("Build <failed>")},
        {"type": "divider"},
        {"type": "section", "text": mrkdwn("*main* is &lt;red&gt;"), "fields": [mrkdwn("by Ada"), plain("a & b")]},
        {"type": "context", "elements": [{"type": "image", "alt_text": "CI"}, mrkdwn("17:00")]},
        {"type": "image", "image_url": "https://x", "alt_text": "a graph", "title": plain("Load")},
        {"type": "actions", "elements": [{"type": "button", "text": plain("Open")}]},
        {"type": "markdown", "text": "**the end**"},
    ]

    assert text_of(blocks).split("\n") == [
        "Build &lt;failed&gt;",
        "*main* is &lt;red&gt;",
        "by Ada",
        "a &amp; b",
        "CI 17:00",
        "Load",
        "a graph",
        "**the end**",
    ]


@pytest.mark.parametrize("kind", ["rich_text_section", "rich_text_quote", "rich_text_preformatted"])
def test_rich_text_is_written_as_mrkdwn(kind):
    elements = [
        {"type": "text", "text": "a < b "},
        {"type": "link", "url": "https://x.example/?a&b|c", "text": "a|b > c"},
        {"type": "link", "url": "https://x.example"},
        {"type": "emoji", "name": "tada"},
        {"type": "user", "user_id": "U1"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "today"},
        {"type": "color", "value": "#f00"},
    ]

    expected = (
        "a &lt; b <https://x.example/?a&amp;b%7Cc|a|b &gt; c><https://x.example>"
        ":tada:<@U1><#C1><!subteam^S1><!here>today#f00"
    )
    assert expected == text_of([rich(*elements, kind=kind)])


def test_lists_and_tables_have_a_line_for_each_entry():
    items = [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]} for text in ("one", "two")]
    rows = [
        [{"type": "raw_text", "text": "a"}, rich({"type": "text", "text": "b"})],
        [{"type": "raw_text", "text": "c"}],
    ]
    blocks = [
        {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": items}]},
        {"type": "table", "rows": rows},
    ]  # fmt: skip

    assert "one\ntwo\na b\nc" == text_of(blocks)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "divider"},
        {"type": "section", "text": mrkdwn(" ")},
        {"type": "section", "text": mrkdwn("")},
        {"type": "actions", "elements": [{"type": "button", "text": plain("Open")}]},
        {"type": "image", "image_url": "https://x", "alt_text": ""},
        {"type": "rich_text"},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": 3}]},
        rich(3, {}, {"type": []}, {"type": "new"}, {"type": "text"}, {"type": "text", "text": 3}, {"type": "user"}),
        {"type": "image", "title": 3, "alt_text": 3},
        {"type": "context", "elements": 3},
    ],
    ids=lambda block: f"{block}"[:60],
)
def test_what_says_nothing_adds_nothing(block):
    assert "" == text_of([block])


class TestALongOne:
    def test_is_cut(self):
        text = text_of([{"type": "section", "text": mrkdwn("x" * 3000)}] * 2)

        assert LONGEST == len(text)
        assert text.endswith("x…")

    @pytest.mark.parametrize("broken", ["&amp;", "&lt;", "<https://x.example>", "<@U1|ada lovelace>"])
    def test_is_not_cut_within_an_entity_or_a_link(self, broken):
        for room in range(2, len(broken)):
            filled = "x" * (LONGEST - room)

            assert f"{filled}…" == text_of([{"type": "markdown", "text": filled + broken}])

    def test_is_cut_behind_an_entity_or_a_link(self):
        filled = "x" * (LONGEST - 6)

        assert f"{filled}&amp;…" == text_of([{"type": "markdown", "text": f"{filled}&amp;yyyy"}])

    def test_that_just_fits_is_not(self):
        assert "x" * LONGEST == text_of([{"type": "markdown", "text": "x" * LONGEST}])
