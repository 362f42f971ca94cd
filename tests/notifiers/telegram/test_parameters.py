"""Whatever a publisher fills in: it is read as it was written, and means nothing to Telegram.

Rendered as the daemon does it, composed as the notifier does it, and read as Telegram reads it.
"""

import re

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dispatcher.notifiers.telegram import TelegramNotifier
from dispatcher.notifiers.telegram.compose import compose
from dispatcher.rendering.dialects import JOINER
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.texts import Rendered
from helpers.inboxes.telegram_markup import detect, parse_html, parse_markdown_v2, units
from tests.notifiers.telegram.examples import notification

READ = {"HTML": parse_html, "MarkdownV2": parse_markdown_v2, None: lambda text: (text, [])}
SIGNS = st.text(
    st.one_of(
        st.sampled_from("_*[]()~`>#+-=|{}.!\\<>&\"'@/: \n\tabAé1👍\u2060\0"), st.characters(exclude_categories=["Cs"])
    )
)
WORDS = [
    "@ada",
    "https://x.org/",
    "http://",
    "<b>",
    "</b>",
    "&amp;",
    "```",
    "||",
    "__",
    "**",
    "](",
    "tg://user?id=1",
    "\n>",
    "a",
]
NESTED = re.compile(r"https?:\S*(tg|ton|tonsite)://", re.IGNORECASE)
"""One address in another: which of the two Telegram finds is not known."""

TEXTS = st.one_of(SIGNS, st.lists(st.sampled_from(WORDS), max_size=8).map("".join)).filter(
    lambda text: not NESTED.search(text)
)

HTML = [
    ("a {{ v }}z", "a ", []),
    ("a<b>b {{ v }}</b>z", "ab ", ["bold"]),
    ("a<b>b<i>c {{ v }}</i></b>z", "abc ", ["bold", "italic"]),
    ('a<a href="https://example.org/">b {{ v }}</a>z', "ab ", ["text_link"]),
    ("a<code>b {{ v }}</code>z", "ab ", ["code"]),
    ("a<pre>b {{ v }}</pre>z", "ab ", ["pre"]),
    ("a<blockquote>b {{ v }}</blockquote>z", "ab ", ["blockquote"]),
]
MARKDOWN = [
    ("a {{ v }}z", "a ", []),
    ("a*b {{ v }}*z", "ab ", ["bold"]),
    ("a_b {{ v }}_z", "ab ", ["italic"]),
    ("a__b {{ v }}__z", "ab ", ["underline"]),
    ("a*b_c~d||e {{ v }}||~_*z", "abcde ", ["bold", "italic", "spoiler", "strikethrough"]),
    ("a[b {{ v }}](https://example.org/)z", "ab ", ["text_link"]),
    ("a`b {{ v }}`z", "ab ", ["code"]),
    ("a```\nb {{ v }}```z", "ab ", ["pre"]),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    (folder / "telegram").mkdir()
    for ending, templates in (("html", HTML), ("md", MARKDOWN)):
        for at, (source, *_) in enumerate(templates):
            (folder / f"telegram/{ending}{at}.{ending}.jinja2").write_text(source)
    (folder / "telegram/txt.txt.jinja2").write_text("a {{ v }}z")
    (folder / "telegram/href.html.jinja2").write_text('<a href="https://example.org/?q={{ v }}">x</a>')
    (folder / "telegram/href_md.md.jinja2").write_text("[x](https://example.org/?q={{ v }})")
    return folder


@pytest.fixture(scope="module")
def render(folder):
    renderer = Renderer(TemplateSettings(path=folder), "telegram", TelegramNotifier.traits.formats)
    return lambda name, value: renderer.render(name, {"v": value})


def arrived(rendered: Rendered) -> tuple[str, list[dict]]:
    """What a reader sees of the only message of a text, without what is invisible, and what Telegram makes of it."""
    messages, remark = compose(notification(), rendered)
    assert remark is None, remark
    (message,) = messages
    seen, entities = READ[message.piece.mode](message.piece.text)
    assert seen == message.piece.seen
    return seen, entities


def check(rendered: Rendered, value: str, before: str, expected: list[str]) -> None:
    seen, entities = arrived(rendered)

    assert f"{before}{value}z".replace(JOINER, "") == seen.replace(JOINER, "")
    assert expected == sorted(entity["type"] for entity in entities)
    inside = units(before.removeprefix("a")) + units(seen) - units(f"{before}z")
    assert all(entity["length"] <= inside for entity in entities)
    assert [] == [found for found in detect(seen) if found["type"] in {"mention", "text_mention"}]


quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@pytest.mark.parametrize("at", range(len(HTML)))
@quick
@example(value="</b><a href='tg://user?id=1'>@ada</a>&lt;")
@given(value=TEXTS)
def test_a_parameter_in_html_is_only_text(render, at, value):
    _, before, expected = HTML[at]

    check(render(f"html{at}", value), value, before, expected)


@pytest.mark.parametrize("at", range(len(MARKDOWN)))
@quick
@example(value="*b* _i_ [x](tg://user?id=1) @ada `c` ```\\")
@example(value="\\")
@example(value="`")
@given(value=TEXTS)
def test_a_parameter_in_markdown_is_only_text(render, at, value):
    _, before, expected = MARKDOWN[at]

    check(render(f"md{at}", value), value, before, expected)


@quick
@example(value="@ada <b>*x*")
@given(value=TEXTS)
def test_a_parameter_in_plain_text_is_only_text(render, value):
    check(render("txt", value), value, "a ", [])


@pytest.mark.parametrize("name", ["href", "href_md"])
@quick
@example(value='"><b>)*x*')
@example(value="a)b\\c\"d'e<f>g&h")
@given(value=TEXTS)
def test_a_parameter_in_an_address_stays_in_it(render, name, value):
    seen, entities = arrived(render(name, value))

    assert "x" == seen
    assert [("text_link", f"https://example.org/?q={value}".replace(JOINER, ""))] == [
        (entity["type"], entity["url"].replace(JOINER, "")) for entity in entities
    ]


@pytest.mark.parametrize("at", range(2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(value=st.text("ab <>&*_`\\👍\n", min_size=30, max_size=60))
def test_a_parameter_that_takes_several_pieces_is_only_text_in_each(render, at, value):
    assume(value.strip())
    value *= 300
    for name, before in ((f"html{at}", HTML[at][1]), (f"md{at}", MARKDOWN[at][1])):
        messages, remark = compose(notification(), render(name, value))

        assert remark is None
        seen = [READ[message.piece.mode](message.piece.text)[0] for message in messages]
        assert "".join(f"{before}{value}z".split()) == "".join("".join(seen).split())
