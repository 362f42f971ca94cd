r"""The two markups of Telegram: what a reader sees, what is refused, and that nothing is lost on the way to HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.notifiers.telegram.markup import BadMarkup, is_blank, units, visible, well_formed, write_html
from dispatcher.notifiers.telegram.read_html import read_html, strip_tags
from dispatcher.notifiers.telegram.read_markdown import read_markdown, strip_marks
from helpers.inboxes.telegram_markup import parse_html, parse_markdown_v2

HTML = [
    "plain",
    "<b>bold</b> <strong>s</strong> <i>i</i> <em>e</em> <u>u</u> <ins>n</ins> <s>s</s> <strike>t</strike> <del>d</del>",
    '<span class="tg-spoiler">x</span> <tg-spoiler>y</tg-spoiler>',
    '<a href="https://example.org/?a=1&amp;b=2">link</a>',
    "<a href='https://example.org/'>single quotes</a>",
    "<a href=token>a name</a>",
    "<a>https://example.org/</a>",
    '<a href="tg://user?id=123">Ada</a>',
    "<code>x &lt; y</code>",
    "<pre>one\n  two</pre>",
    '<pre><code class="language-python">x = 1</code></pre>',
    '<code class="language-python">x</code>',
    "<blockquote>q\nq</blockquote>",
    "<blockquote expandable>q</blockquote>",
    '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',
    "<b>a <i>b <u>c <s>d</s></u> e</i> f</b>",
    "<b></b>empty",
    "<B>upper</B>",
    "< b>no".replace("< b>", "&lt; b>"),
    "&amp; &lt; &gt; &quot; &#33; &#x21; &nbsp; &copy; & &; &# &#x; &amp",
    "&#0; &#1114111; &#99999999999; &#128512; &#x1F600;",
    "a > b",
    "< /b>".replace("<", "&lt;"),
    "<b\t\n >white space</b >",
    "<b>any</>",
    "👍🏽 <b>👍🏽</b>",
]

BAD_HTML = [
    ("<p>a</p>", "<p> is no tag of Telegram's"),
    ("a<br>b", "<br> is no tag of Telegram's"),
    ("<b>a", "the tag <b> is not closed"),
    ("<b>a</i>", "</i> stands where <b> has to be closed first"),
    ("a</b>", "</b> ends what was not begun"),
    ("<b", "the tag <b> has no end"),
    ("a < b", "<> is no tag of Telegram's"),
    ("<b>a</b", "the end tag </b> has no end"),
    ('<a href="x>a</a>', "the tag <a> has an attribute whose value has no end"),
    ("<a href>a</a>", "the tag <a> has an attribute without a value"),
    ("<a =x>a</a>", "the tag <a> has an attribute without a name"),
    ("<a href=x/y>a</a>", "the tag <a> has an attribute whose value has no end"),
    ("<span>a</span>", '<span> needs class="tg-spoiler"'),
    ("<tg-emoji>a</tg-emoji>", "<tg-emoji> needs the number of an emoji in emoji-id"),
    ("<tg-time>a</tg-time>", "<tg-time> needs a Unix time in unix"),
    (f"<{'x' * 99}>", f"<{'x' * 30}…> is no tag of Telegram's"),
    ("<b>" * 101, "more than 100 tags lie in each other"),
    ("<\x1b[31m>", "<??31m> is no tag of Telegram's"),
]

MARKDOWN = [
    "plain",
    r"*bold \*text*",
    r"_italic \*text_",
    "__underline__",
    "~strikethrough~",
    "||spoiler||",
    r"*bold _italic ~strikethrough ||spoiler||~ __underline italic bold___ bold*",
    "[inline URL](http://www.example.com/)",
    r"[x](http://example.org/a\)b\\c?d=_e*)",
    "[http://example\\.org/]",
    "[Ada](tg://user?id=123456789)",
    "![👍](tg://emoji?id=5368324170671202286)",
    "`inline fixed-width code`",
    r"`a \` b \\ c * _ [ <`",
    "```\npre-formatted <code> block\n```",
    "```python\nx = 1\n```",
    "```python`` ```".replace("`` ", " "),
    "```abc```",
    "```\r\nx```",
    ">Block quotation started\n>continued\n>The last line",
    ">q\nafter",
    ">q\n**>expandable\n>hidden||",
    ">q||\nafter",
    ">*bold\n>still bold*\nafter",
    "___italic underline_**__",
    "**",
    r"1\. a\-b \(c\) \#d \+ \= \{ \} \! \| \>",
    "back\\",
    "back\\ä",
    "line\nline\n\nline",
    "a|| ||b".replace("||", "\\|\\|"),
]

BAD_MARKDOWN = [
    ("a.", ". is reserved and must be escaped with a backslash"),
    ("a-b", "- is reserved and must be escaped with a backslash"),
    ("a | b", "| is reserved and must be escaped with a backslash"),
    ("a > b", "> is reserved and must be escaped with a backslash"),
    ("wow!", "! is reserved and must be escaped with a backslash"),
    ("a)", ") is reserved and must be escaped with a backslash"),
    ("*a", "an element that begins with * is not closed"),
    ("_a", "an element that begins with _ is not closed"),
    ("`a", "an element that begins with ` is not closed"),
    ("```a", "an element that begins with ``` is not closed"),
    ("[a", "an element that begins with [ is not closed"),
    ("[a](http://x", "an address in round brackets is not closed"),
    ("![a]", "![ ] needs an address like (tg://emoji?id=…)"),
    ("![a](http://x)", "![ ] needs an address like (tg://emoji?id=…)"),
    ("![a](http://[)", "![ ] needs an address like (tg://emoji?id=…)"),
    ("[" * 101, "more than 100 elements lie in each other"),
    ("*a _b* c_", "an element that begins with _ is not closed"),
]


@pytest.mark.parametrize("source", HTML)
def test_html_is_read_as_telegram_reads_it(source):
    runs = read_html(source)
    seen, entities = parse_html(source)

    assert seen == visible(runs)
    assert (seen, entities) == parse_html(write_html(runs))


@pytest.mark.parametrize(("source", "sentence"), BAD_HTML)
def test_html_that_telegram_would_refuse_is_known_before(source, sentence):
    with pytest.raises(BadMarkup) as caught:
        read_html(source)

    assert sentence == str(caught.value)


@pytest.mark.parametrize("source", MARKDOWN)
def test_markdown_is_read_as_telegram_reads_it(source):
    runs = read_markdown(source)
    seen, entities = parse_markdown_v2(source)

    assert seen == visible(runs)
    assert (seen, entities) == parse_html(write_html(runs))


@pytest.mark.parametrize(("source", "sentence"), BAD_MARKDOWN)
def test_markdown_that_telegram_would_refuse_is_known_before(source, sentence):
    with pytest.raises(BadMarkup) as caught:
        read_markdown(source)

    assert sentence == str(caught.value)


def test_a_time_is_kept_in_both():
    written = '<tg-time unix="1647531900" format="wDT">22:45</tg-time>'

    assert written == write_html(read_html(written))
    assert written == write_html(read_markdown("![22:45](tg://time?unix=1647531900&format=wDT)"))


def accepted(parse, source):
    try:
        return parse(source)
    except ValueError:
        return None


@given(st.text("ab <>/=\"'&;#x1\nbiape👍" + "hrefl", max_size=40).map(lambda text: text.replace("<a ", "<a href=")))
def test_any_html_is_taken_or_refused_as_telegram_would(source):
    expected = accepted(parse_html, source)
    runs = accepted(read_html, source)

    assert (expected is None) == (runs is None)
    if expected is not None:
        assert expected[0] == visible(runs)
        assert expected == parse_html(write_html(runs))


TOKENS = [
    *"*_~`|[]()!>\\\n ab.é👍",
    "__",
    "||",
    "```",
    "](",
    "](tg://emoji?id=1)",
    "](http://x.y)",
    "\\_",
    "*b*",
    "\n>",
    "||\n",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
def test_any_markdown_is_taken_or_refused_as_telegram_would(source):
    expected = accepted(parse_markdown_v2, source)
    runs = accepted(read_markdown, source)

    assert (expected is None) == (runs is None)
    if expected is not None:
        assert expected[0] == visible(runs)


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("<p>Hello <b>Ada</b></p><p>1 &lt; 2&nbsp;&euro;</p>", "Hello Ada\n1 < 2\xa0€"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("1 < 2 <3 <!-- --> </b>", "1 < 2 <3 <!-- -->"),
        ("<b>a", "a"),
        ("&#xD800;", "\ufffd"),
    ],
)
def test_html_that_nobody_can_read_becomes_plain_text(source, plain):
    assert plain == strip_tags(source)


def test_markdown_that_nobody_can_read_becomes_plain_text():
    assert "1. *a\\ä b*" == strip_marks("1\\. *a\\ä b* ")


def test_units_are_those_of_utf_16():
    assert [1, 1, 2, 3] == [units(text) for text in ("a", "é", "👍", "👍x")]


@pytest.mark.parametrize("text", ["", " \n\t", "\u2060\u200b\ufeff", "\u3164\u2800\u115f\u00a0\u00ad", "\r\0\x1b"])
def test_what_nobody_sees_is_blank(text):
    assert is_blank(text)
    assert not is_blank(text + ".")


def test_halves_of_surrogate_pairs_are_put_together_or_replaced():
    assert "a👍\ufffdb\ufffd" == well_formed("a\ud83d\udc4d\udc4db\ud83d")
    assert "👍" == well_formed("👍")
