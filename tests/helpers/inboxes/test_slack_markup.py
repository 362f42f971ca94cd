"""Slack's markup, as Slack reads it."""

import time

import pytest

from helpers.inboxes.slack_markup import parse_mrkdwn


def told(text):
    """The visible text, and each span as its type, the text it covers, and what else it says."""
    visible, spans = parse_mrkdwn(text)
    found = []
    for span in spans:
        more = [value for key, value in span.items() if key not in {"type", "offset", "length"}]
        found.append((span["type"], visible[span["offset"] : span["offset"] + span["length"]], *more))
    return visible, found


@pytest.mark.parametrize(
    ("text", "visible", "spans"),
    [
        ("*a* _b_ ~c~ `d`", "a b c d", [("bold", "a"), ("italic", "b"), ("strike", "c"), ("code", "d")]),
        ("*bold _both_ bold*", "bold both bold", [("bold", "bold both bold"), ("italic", "both")]),
        ("(*a*), _b_.", "(a), b.", [("bold", "a"), ("italic", "b")]),
        ("_snake_case_", "snake_case", [("italic", "snake_case")]),
        ("`*a* :b: _c_`", "*a* :b: _c_", [("code", "*a* :b: _c_")]),
        ("```\n*a*\n```", "\n*a*\n", [("preformatted", "\n*a*\n")]),
        ("<https://x.org|a &amp; b>", "a & b", [("link", "a & b", "https://x.org")]),
        ("<https://x.org/?a&amp;b>", "https://x.org/?a&b", [("link", "https://x.org/?a&b", "https://x.org/?a&b")]),
        ("<mailto:a@b.example|a@b.example>", "a@b.example", [("link", "a@b.example", "mailto:a@b.example")]),
        (
            "<!channel> <@U1> <#C1|general> <!subteam^S1|@ops>",
            "@channel @U1 general @ops",
            [
                ("mention", "@channel", "!channel"),
                ("mention", "@U1", "@U1"),
                ("mention", "general", "#C1"),
                ("mention", "@ops", "!subteam^S1"),
            ],
        ),
        ("`<!here>`", "@here", [("mention", "@here", "!here"), ("code", "@here")]),
        ("&gt; a\n>b\nc", "a\nb\nc", [("quote", "a"), ("quote", "b")]),
        (">>> a\nb", "a\nb", [("quote", "a\nb")]),
        (
            ":smile: :+1: :flag-at:",
            ":smile: :+1: :flag-at:",
            [("emoji", one) for one in (":smile:", ":+1:", ":flag-at:")],
        ),
        ("&lt;!channel&gt; &amp;amp; &nbsp;", "<!channel> &amp; &nbsp;", []),
    ],
)
def test_markup_is_read(text, visible, spans):
    assert told(text) == (visible, spans)


@pytest.mark.parametrize(
    "text",
    [
        "a*b*c 2 * 3 * 4 a_b_c",
        "*a",
        "* a*",
        "*a\nb*",
        "*a*b",
        "é*a*",
        "*a*\u2060",
        "\u2060*a*",
        "**",
        "__ ~~ ``",
        "``````",
        "10:30:45",
        "a > b",
        "a < b",
        "<>",
        "@channel #general",
    ],
)
def test_what_is_no_markup_stays(text):
    assert told(text) == (text, [])


def test_no_text_takes_long():
    """Whoever sends nothing but marks does not stop the sandbox."""
    started = time.monotonic()
    for piece in ("*", "*a ", " *a", "_*~`", "<", "<a", ":", ":a", "`", "``` ", "&gt;", "\n>", "*_~a "):
        parse_mrkdwn((piece * 40_000)[:40_000])
    assert time.monotonic() - started < 10
