"""Telegram's markup, by the documentation's own examples and by the words of the real server."""

import time

import pytest

from helpers.inboxes.telegram_markup import detect, parse_html, parse_markdown_v2
from helpers.inboxes.telegram_text import checked_url, read


def told(visible, entities):
    """The text, and each entity as its type, the text it covers, and what else it says."""
    units = visible.encode("utf-16-le")
    found = []
    for entity in entities:
        begin, end = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
        more = {key: value for key, value in entity.items() if key not in {"type", "offset", "length"}}
        found.append((entity["type"], units[begin:end].decode("utf-16-le"), *more.values()))
    return visible, found


@pytest.mark.parametrize(
    ("html", "visible", "entities"),
    [
        ("<b>a</b> <strong>b</strong>", "a b", [("bold", "a"), ("bold", "b")]),
        ("<i>a</i> <em>b</em>", "a b", [("italic", "a"), ("italic", "b")]),
        ("<u>a</u> <ins>b</ins>", "a b", [("underline", "a"), ("underline", "b")]),
        ("<s>a</s><strike>b</strike><del>c</del>", "abc", [("strikethrough", one) for one in "abc"]),
        ('<span class="tg-spoiler">a</span><tg-spoiler>b</tg-spoiler>', "ab", [("spoiler", "a"), ("spoiler", "b")]),
        (
            "<b>bold <i>italic bold <s>strike</s></i> bold</b>",
            "bold italic bold strike bold",
            [("bold", "bold italic bold strike bold"), ("italic", "italic bold strike"), ("strikethrough", "strike")],
        ),
        ('<a href="http://x.org/?a=1&amp;b=&quot;">x</a>', "x", [("text_link", "x", 'http://x.org/?a=1&b="')]),
        ("<a href='http://x.org/'>x</a>", "x", [("text_link", "x", "http://x.org/")]),
        ("<a>http://x.org/</a>", "http://x.org/", [("text_link", "http://x.org/", "http://x.org/")]),
        ("<code>x</code>", "x", [("code", "x")]),
        ("<pre>x\ny</pre>", "x\ny", [("pre", "x\ny")]),
        ('<pre><code class="language-python">x</code></pre>', "x", [("pre", "x", "python")]),
        ('<code class="language-python">x</code>', "x", [("code", "x")]),
        ("<blockquote>x</blockquote>", "x", [("blockquote", "x")]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", "x")]),
        (
            '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',
            "👍",
            [("custom_emoji", "👍", "5368324170671202286")],
        ),
        ("&lt;&gt;&amp;&quot;&#39;&#x1F600;", "<>&\"'😀", []),
        ("&nbsp; & &unknown; &lt", "&nbsp; & &unknown; <", []),
        ("😀<b>x</b>", "😀x", [("bold", "x")]),
        ("a <b></b>b", "a b", []),
        ("<B>x</b>", "x", [("bold", "x")]),
        ("a > b \" ' /", "a > b \" ' /", []),
        ("_*[]()~`>#+-=|{}.!\\", "_*[]()~`>#+-=|{}.!\\", []),
    ],
)
def test_html_is_read(html, visible, entities):
    assert told(*parse_html(html)) == (visible, entities)


@pytest.mark.parametrize(
    ("html", "error"),
    [
        ("5 < 6", 'Unsupported start tag "" at byte offset 2'),
        ("é<div>x</div>", 'Unsupported start tag "div" at byte offset 2'),
        ("a<br/>b", 'Unsupported start tag "br/" at byte offset 1'),
        ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<a href=a/b>x</a>", "Unexpected end of name token at byte offset 8"),
    ],
)
def test_html_that_is_refused(html, error):
    with pytest.raises(ValueError, match=r".") as refused:
        parse_html(html)
    assert str(refused.value) == error


@pytest.mark.parametrize(
    ("markdown", "visible", "entities"),
    [
        ("*a* _b_ __c__", "a b c", [("bold", "a"), ("italic", "b"), ("underline", "c")]),
        ("~a~ ||b|| `c`", "a b c", [("strikethrough", "a"), ("spoiler", "b"), ("code", "c")]),
        (
            "*bold _italic bold ~strike ||spoiler||~ __underline italic bold___ bold*",
            "bold italic bold strike spoiler underline italic bold bold",
            [
                ("bold", "bold italic bold strike spoiler underline italic bold bold"),
                ("italic", "italic bold strike spoiler underline italic bold"),
                ("strikethrough", "strike spoiler"),
                ("spoiler", "spoiler"),
                ("underline", "underline italic bold"),
            ],
        ),
        ("[x](http://x.org/a\\)b\\\\)", "x", [("text_link", "x", "http://x.org/a)b\\")]),
        ("[x](tg://user?id=7)", "x", [("text_mention", "x", {"id": 7, "is_bot": False, "first_name": "User 7"})]),
        ("![👍](tg://emoji?id=5368324170671202286)", "👍", [("custom_emoji", "👍", "5368324170671202286")]),
        ("`a\\`b\\\\ *c*.`", "a`b\\ *c*.", [("code", "a`b\\ *c*.")]),
        ("```\nx\n```", "x\n", [("pre", "x\n")]),
        ("```python\nx = 1\n```", "x = 1\n", [("pre", "x = 1\n", "python")]),
        (">a\n>b\nc", "a\nb\nc", [("blockquote", "a\nb")]),
        (">a\n>b||\nc", "a\nb\nc", [("expandable_blockquote", "a\nb")]),
        (">a\n**>b\n>c||", "a\nb\nc", [("blockquote", "a"), ("expandable_blockquote", "b\nc")]),
        (">*a*\n>_b_", "a\nb", [("blockquote", "a\nb"), ("bold", "a"), ("italic", "b")]),
        ("\\_\\*\\[\\]\\(\\)\\~\\`\\>\\#\\+\\-\\=\\|\\{\\}\\.\\!\\\\", "_*[]()~`>#+-=|{}.!\\", []),
        ("\\a \\é \\", "a \\é \\", []),
        ("&amp; \" '", "&amp; \" '", []),
        ("😀*x*", "😀x", [("bold", "x")]),
    ],
)
def test_markdown_is_read(markdown, visible, entities):
    assert told(*parse_markdown_v2(markdown)) == (visible, entities)


@pytest.mark.parametrize("character", "#+-=|{}.!()>]")
def test_what_is_reserved_must_be_escaped(character):
    with pytest.raises(ValueError, match="is reserved") as refused:
        parse_markdown_v2(f"a{character}b")
    assert str(refused.value) == (f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
    assert parse_markdown_v2(f"a\\{character}b") == (f"a{character}b", [])


@pytest.mark.parametrize(
    ("markdown", "error"),
    [
        ("a_b", "Can't find end of Italic entity at byte offset 1"),
        ("é*b", "Can't find end of Bold entity at byte offset 2"),
        ("a~", "Can't find end of Strikethrough entity at byte offset 1"),
        ("a`b", "Can't find end of Code entity at byte offset 1"),
        ("```x\ny", "Can't find end of PreCode entity at byte offset 0"),
        ("__x", "Can't find end of Underline entity at byte offset 0"),
        ("||x", "Can't find end of Spoiler entity at byte offset 0"),
        ("[x", "Can't find end of TextUrl entity at byte offset 0"),
        ("[x](y", "Can't find end of a URL at byte offset 4"),
        ("*_x*_", "Can't find end of Italic entity at byte offset 4"),
    ],
)
def test_markdown_that_is_refused(markdown, error):
    with pytest.raises(ValueError, match=r".") as refused:
        parse_markdown_v2(markdown)
    assert str(refused.value) == error


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hi @ada, @bob_2.", [("mention", "@ada"), ("mention", "@bob_2")]),
        ("a@b é@ada @é @a @" + "x" * 33, []),
        ("ada@example.org (x.y+z@sub.example.de)", [("email", "ada@example.org"), ("email", "x.y+z@sub.example.de")]),
        ("see https://x.example/@ada?a=(b)#c.", [("url", "https://x.example/@ada?a=(b)#c")]),
        ("(http://x.example/a)", [("url", "http://x.example/a")]),
        ("example.com and mail.de/x, file.py 1.2 e.g.", [("url", "example.com"), ("url", "mail.de/x")]),
        ("http://localhost/x", []),
        ("#tag #1 #a1 a#b", [("hashtag", "#tag"), ("hashtag", "#a1")]),
        ("/start /start@x_bot a/b //x", [("bot_command", "/start"), ("bot_command", "/start@x_bot")]),
        ("😀 @ada", [("mention", "@ada")]),
    ],
)
def test_what_is_found_without_markup(text, found):
    assert told(text, detect(text))[1] == found


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.example", "https://x.example/"),
        ("HTTPS://X.Example/A?b", "https://x.example/A?b"),
        ("x.example/a b", "http://x.example/a%20b"),
        ("https://x.example?q", "https://x.example/?q"),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("http://localhost/", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_a_link_that_telegram_does_not_like_is_dropped(url, kept):
    assert checked_url(url) == kept


def test_a_text_is_read_as_a_whole():
    """Trimmed, cleaned, code kept free of everything else, links found where nothing covers them."""
    text = ' <b>a <code>@b</code> c</b>\t<a href="http://localhost">x</a> <a href="http://x.org">@y</a> @zoe\r\n '

    assert told(*read(text, "HTML")) == (
        "a @b c x @y @zoe",
        [
            ("bold", "a "),
            ("code", "@b"),
            ("bold", " c"),
            ("text_link", "@y", "http://x.org/"),
            ("mention", "@zoe"),
        ],
    )


def test_at_most_a_hundred_entities_are_kept():
    _, entities = read("".join(f"<b>{n}</b> " for n in range(150)), "html")

    assert len(entities) == 100


def test_no_text_takes_long():
    """Whoever sends nothing but marks does not stop the sandbox."""
    started = time.monotonic()
    for text in ("*_" * 15_000, "[" * 30_000, ">" * 30_000, "<b>" * 10_000, "&" * 30_000, "a." * 15_000, "@" * 30_000):
        for mode in ("HTML", "MarkdownV2", ""):
            try:
                read(text, mode)
            except ValueError:
                continue
    assert time.monotonic() - started < 10
