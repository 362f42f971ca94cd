from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatcher.rendering import plain_text as module
from dispatcher.rendering.plain_text import plain_text

TAGS = [
    "html",
    "head",
    "body",
    "p",
    "a",
    "img",
    "table",
    "tr",
    "td",
    "ul",
    "li",
    "svg",
    "frameset",
    "pre",
    "br",
    "?xml",
]
ATTRIBUTES = ["", " hidden", " style='display:none'", " style=';:;'", " href='https://e.org/'", " alt", " role=none"]
ATTRIBUTES += [" colspan=-1", " rowspan=99", " align=x", " valign=y", " xml:lang", " =", " a:b='c'"]

fragment = st.one_of(
    st.builds("<{}{}{}>".format, st.sampled_from(TAGS), st.sampled_from(ATTRIBUTES), st.sampled_from(ATTRIBUTES)),
    st.builds("</{}>".format, st.sampled_from(TAGS)),
    st.sampled_from(
        ["<!--", "-->", "<![CDATA[", "]]>", "<!doctype html>", "<!ENTITY a 'b'>", "&#0;", "&a;", "&#xd800;"]
    ),
    st.text(max_size=5),
)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>Title</h1><p>One</p><p>Two<br>lines</p>", "Title\n\nOne\n\nTwo\nlines\n"),
        ("<ul><li>a</li><li>b</li></ul>", "  * a\n  * b\n"),
        ("<p>See <a href='https://e.org/a?b=1&amp;c=2'>here</a>.</p>", "See here (https://e.org/a?b=1&c=2).\n"),
        ("<a href='https://e.org/a'>https://e.org/a</a>", "https://e.org/a\n"),
        ("<a href='https://e.org/a/'>e.org/a</a>", "e.org/a\n"),
        ("<a href='mailto:a@e.org'>a@e.org</a> <a href='mailto:a@e.org'>us</a>", "a@e.org us (a@e.org)\n"),
        ("<a href='#top'>top</a> <a>none</a>", "top none\n"),
        ("<a href='https://e.org/'><b>Bold</b> </a>!", "Bold (https://e.org/)!\n"),
        ("<a href='https://e.org/'><img src='x.png' alt='Logo'></a>", "Logo (https://e.org/)\n"),
        ("<p style='display: none'>hidden</p><p hidden>hidden</p>seen", "seen\n"),
        ("<html hidden><p>seen</p>", "seen\n"),
        ("<html style='display:none'><body><p hidden>no</p><p>seen</p>", "seen\n"),
        ("<p>see</p><html hidden><p>n</p>", "see\n\nn\n"),
        ("<body hidden><p>seen</p><style>no</style></body>", "seen\n"),
        ("<title>t</title><style>p{}</style><script>x()</script><p>text</p>", "text\n"),
        ("<table><tr><th>Name</th><td>Ada</td></tr><tr><th>Of</th><td>x</td></tr></table>", "Name  Ada\nOf    x\n"),
        (
            "<table role=presentation><tr><td>One<table><tr><td>a<td>b</table></td></tr><tr><td>Two</table>",
            "One\n\na  b\n\nTwo\n",
        ),
        ("<p style='margin:0 0 1000000000em;padding-left:1000000000em'>x</p>", "x\n"),
        ("a&nbsp;b&#8203;c &amp; d", "a bc & d\n"),
        ("", "\n"),
        ("<!-- nothing -->", "\n"),
        ("<?xml version='1.0' encoding='utf-8'?><p>x</p>", "x\n"),
        ("words only", "words only\n"),
    ],
)
def test_people_read_what_the_html_says(html, expected):
    assert plain_text(html) == expected


@pytest.mark.parametrize(
    "html",
    [
        "<p>word</p>" * 20_000,
        "<p>" + "word " * 300_000,
        "word" + "<" * 1_000_000,
        "<style>x</style>word" * 60_000,
        "<style" * 200_000 + "<p>word",
        "<div>" * 5_000 + "word",
        "<table><tr><td>" * 200 + "word" + "</table>" * 200,
        "<ul><li>" * 120 + "<li>word" * 1_000,
        "<table>" + "<tr><td>a" * 2_000 + "<tr><td>word" + "y" * 500_000 + "</table>",
        "<p>word" + " " * 900_000 + "x",
    ],
    ids=range(10),
)
def test_what_is_enormous_blocks_nobody(html):
    begun = perf_counter()

    assert "word" in plain_text(html)
    assert perf_counter() - begun < 2


@given(st.text(alphabet="<>/ ab=\"'&;!-\0\n[]?tdrlipu", max_size=200))
def test_no_html_is_too_broken(html):
    assert plain_text(html).endswith("\n")


@settings(deadline=None)
@given(st.lists(fragment, max_size=20).map("".join))
def test_no_element_is_too_odd(html):
    assert plain_text(html).endswith("\n")


FLOWING = [
    "p",
    "div",
    "h1",
    "span",
    "b",
    "a",
    "br",
    "ul",
    "ol",
    "li",
    "blockquote",
    "hr",
    "body",
    "title",
    "style",
    "dl",
]
SPACES = [
    " ",
    "\n",
    "\t ",
    " a ",
    " a b\n",
    "x",
    "&nbsp;",
    "&amp;amp;",
    "&amp;#1;",
    "&amp;#32;",
    "a\xa0b",
    "\x1c",
    "\u2003",
]
SPACES += ["\x85", "<!-- c --> t ", "<?pi?>t", " * ", "1. "]
flowing = st.one_of(
    st.builds("<{}{}>".format, st.sampled_from(FLOWING), st.sampled_from(ATTRIBUTES)),
    st.builds("<{}>".format, st.sampled_from(FLOWING)),
    st.builds("</{}>".format, st.sampled_from(FLOWING)),
    st.sampled_from(SPACES),
)
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
SHIPPED = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html.jinja2"))


def by_the_library(html: str) -> str:
    """The text as inscriptis makes it, however simple the HTML is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FLOWING", frozenset())
        return plain_text(html)


@settings(deadline=None, derandomize=True, max_examples=2000)
@given(st.lists(flowing, max_size=40).map("".join) | st.lists(fragment, max_size=10).map("".join))
@example("<ul><li><li>a<ul><li>b</ul><ol><li><p>c<li></ol></ul>")
@example("<ul>" * 6 + "<li>a<br>b<br><br>c")
@example("<p>a</p><title><!-- -->b</title><p>c")
def test_the_text_of_what_has_only_lines_is_what_the_library_makes(html):
    assert by_the_library(html) == plain_text(html)


def test_what_has_only_lines_is_not_given_to_the_library(monkeypatch):
    monkeypatch.setattr(module, "Inscriptis", None)

    assert "a\n\n  * b\n" == plain_text("<p>a</p><ul><li><b>b</b></li></ul>")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_templates_read_as_the_library_lays_them_out(name):
    html = (TEMPLATES / name).read_text()

    assert by_the_library(html) == plain_text(html)


@pytest.mark.parametrize("error", [AssertionError, KeyError, AttributeError, IndexError, RecursionError, MemoryError])
def test_whatever_the_library_raises_the_mail_has_a_text(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(module, "Inscriptis", fail)
    monkeypatch.setattr(module, "_FLOWING", frozenset())

    assert plain_text("<p>One</p><p>Two &amp; three</p>") == "One  Two & three\n"
