"""Long texts in pieces: each is markup by itself, and together they are the whole."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.notifiers.telegram.markup import Run, is_blank, units, visible, write_html
from dispatcher.notifiers.telegram.read_html import read_html
from dispatcher.notifiers.telegram.read_markdown import read_markdown
from dispatcher.notifiers.telegram.split import LARGEST_SOURCE, split
from helpers.inboxes.telegram_markup import parse_html

SIGNS = 'ab.é \n<>&"*_\\`[]()👍🏽\u0301\u200d\u2060ü!?;'


def pieces(text, limit):
    """The visible texts that a plain text is cut into."""
    return [visible(piece) for piece in split([Run(text)], limit)]


def squeezed(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, ["short"]),
        ("one two three", 8, ["one two", "three"]),
        ("one two three", 7, ["one two", "three"]),
        ("one. two three", 9, ["one.", "two three"]),
        ("one two\nthree", 9, ["one two", "three"]),
        ("one. a\nb c d e f", 10, ["one. a", "b c d e f"]),
        ("ab cd efg\n\nhi\njk lm", 14, ["ab cd efg", "hi\njk lm"]),
        ("ab cd\n\nef\ngh ij", 12, ["ab cd\n\nef", "gh ij"]),
        ("a\n\nbcdefgh ijklmnop", 12, ["a\n\nbcdefgh", "ijklmnop"]),
        ("line\n    indented text", 14, ["line", "    indented", "text"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("👍👍👍", 3, ["👍", "👍", "👍"]),
        ("👍👍👍", 4, ["👍👍", "👍"]),
        ("abe\u0301f", 3, ["ab", "e\u0301f"]),
        ("x👩\u200d👩\u200d👦", 8, ["x", "👩\u200d👩\u200d👦"]),
        ("a" + " " * 20 + "b", 5, ["a", "b"]),
        (" " * 20 + "b", 5, ["b"]),
        ("first line  \r\n\r\nsecond", 12, ["first line", "second"]),
        ("それは。これは長い", 6, ["それは。", "これは長い"]),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text, limit, expected):
    assert expected == pieces(text, limit)


def test_what_is_open_at_a_cut_is_closed_and_opened_again():
    source = '<b>bold <i>both and more</i></b> <pre><code class="language-py">x = 1\ny = 2 + 3</code></pre>'

    written = [write_html(piece) for piece in split(read_html(source), 12)]

    assert [
        "<b>bold <i>both</i></b>",
        '<b><i>and more</i></b> <pre><code class="language-py">x =</code></pre>',
        '<pre><code class="language-py">1\ny = 2 + 3</code></pre>',
    ] == written


def test_markdown_that_is_cut_goes_on_as_html():
    written = [write_html(piece) for piece in split(read_markdown("*bold _both and \\& more_*\n>quote\n>on||"), 12)]

    assert [
        "<b>bold <i>both</i></b>",
        "<b><i>and &amp; more</i></b>",
        "<blockquote expandable>quote\non</blockquote>",
    ] == written


def test_a_link_that_fits_into_a_piece_is_in_one_piece():
    source = 'so many words <a href="https://example.org/">a link of words</a> with_more'

    written = [write_html(piece) for piece in split(read_html(source), 20)]

    assert ["so many words", '<a href="https://example.org/">a link of words</a>', "with_more"] == written


def test_a_link_that_is_longer_than_a_piece_leads_to_the_same_place_in_each():
    written = [write_html(piece) for piece in split(read_html('<a href="u">one two three</a>'), 8)]

    assert ['<a href="u">one two</a>', '<a href="u">three</a>'] == written


def test_a_piece_is_no_longer_than_the_server_looks():
    link = f'<a href="https://example.org/{"x" * 3000}">link</a> '

    found = list(split(read_html(link * 40), 4096))

    assert all(len(write_html(piece).encode()) <= LARGEST_SOURCE for piece in found)
    assert squeezed("link" * 40) == squeezed("".join(map(visible, found)))


def test_a_large_text_is_cut_quickly():
    text = "".join(f"<b>{at}</b> &amp; " for at in range(40_000))

    assert len(list(split(read_html(text), 4096))) > 50


@given(st.text(SIGNS, max_size=200), st.integers(2, 40))
def test_any_text_is_kept_but_for_white_space_at_the_cuts(text, limit):
    at = 0
    for piece in pieces(text, limit):
        begin = text.index(piece, at)
        assert is_blank(text[at:begin])
        assert units(piece) <= limit
        assert not is_blank(piece)
        at = begin + len(piece)
    assert is_blank(text[at:])


def _only_invisible_is_lost(text, found):
    def seen(some):
        return "".join(sign for sign in some if not is_blank(sign))

    return seen(text) == seen("".join(found))


TAGS = ["b", "i", "u", "s", "tg-spoiler", "code", "blockquote", 'a href="https://example.org/?a=1&amp;b=2"', "pre"]


def _in_tags(children):
    return st.builds(
        lambda tag, inner: f"<{tag}>{''.join(inner)}</{tag.split()[0]}>",
        st.sampled_from(TAGS),
        st.lists(children, max_size=4),
    )


escaped = st.text(SIGNS, max_size=30).map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;"))
trees = st.lists(st.recursive(escaped, _in_tags, max_leaves=12), max_size=6).map("".join)


@settings(max_examples=300)
@given(trees, st.integers(2, 30))
def test_any_markup_is_cut_into_markup(source, limit):
    whole, _ = parse_html(source)

    found = [write_html(piece) for piece in split(read_html(source), limit)]

    seen = [parse_html(piece)[0] for piece in found]
    assert all(units(piece) <= limit for piece in seen)
    assert squeezed(whole) == squeezed("".join(seen)) or _only_invisible_is_lost(whole, seen)


@given(trees, st.integers(2, 30))
def test_every_sign_keeps_its_looks(source, limit):
    def looks(html):
        text, entities = parse_html(html)
        encoded = text.encode("utf-16-le")
        for at in range(0, len(encoded), 2):
            unit = encoded[at : at + 2]
            if not unit.decode("utf-16-le", "replace").isspace():
                yield (
                    unit,
                    {
                        (one["type"], one.get("url"))
                        for one in entities
                        if one["offset"] <= at // 2 < one["offset"] + one["length"]
                    },
                )

    whole = list(looks(source))
    found = [look for piece in split(read_html(source), limit) for look in looks(write_html(piece))]

    if len(whole) == len(found):  # a piece in which nothing can be seen is left out
        assert whole == found
