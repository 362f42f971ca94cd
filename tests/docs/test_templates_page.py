"""docs/templates.md says what is true of Telegram and Slack; tests/test_shipped_templates.py holds the rest of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher.factories import NOTIFIERS
from dispatcher.notifiers.slack.limits import complaints
from dispatcher.notifiers.telegram.markup import BadMarkup, Run, visible
from dispatcher.notifiers.telegram.read_html import read_html
from dispatcher.notifiers.telegram.read_markdown import read_markdown
from dispatcher.rendering.dialects import JOINER, MARKUP
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from tests.docs.pages import ROOT, Page

PAGE = Page("templates.md")
EXAMPLES = {
    ("telegram", "html"): PAGE.examples(re.escape("html+jinja"), "## Telegram"),
    ("telegram", "md"): PAGE.examples(re.escape("md+jinja"), "## Telegram"),
    ("slack", "md"): PAGE.examples(re.escape("md+jinja"), "## Slack"),
    ("slack", "json"): PAGE.examples(re.escape("json+jinja"), "## Slack"),
}
LIMITS_ROWS = PAGE.rows("## Slack")
PARAMETERS = {
    "service": "shop <b>",
    "version": "2.0-rc_1",
    "changes": ['Mails "quoted"', "*Stars* for @everybody"],
    "url": "https://example.org/a_b?x=1&y=2",
}


def rendered(folder: Path, queue: str, form: str, text: str, **parameters: object) -> str:
    """Render a template of one file."""
    file = folder / queue / f"live.{form}.jinja2"
    file.parent.mkdir()
    file.write_text(text)
    renderer = Renderer(TemplateSettings(path=folder), queue, NOTIFIERS[queue].formats)
    return renderer.render("live", parameters).texts[form]


@pytest.mark.parametrize(
    ("queue", "form", "expected"),
    [
        (
            "telegram",
            "html",
            (
                "<b>shop &lt;b&gt; 2.0-rc_1</b> is live.\n• Mails &#34;quoted&#34;\n• *Stars* for @⁠everybody\n"
                '<a href="https://example.org/a_b?x=1&amp;y=2">What has changed</a>'
            ),
        ),
        (
            "telegram",
            "md",
            (
                '*shop <b\\> 2\\.0\\-rc\\_1* is live\\.\n\\- Mails "quoted"\n\\- \\*Stars\\* for @⁠everybody\n'
                "[What has changed](https://example\\.org/a\\_b?x\\=1&y\\=2)"
            ),
        ),
        (
            "slack",
            "md",
            (
                '*shop &lt;b&gt; 2.0-rc_1* is live.\n• Mails "quoted"\n• ⁠*⁠Stars⁠*⁠ for @everybody\n'
                "<https://example.org/a_b?x=1&amp;y=2|What has changed>"
            ),
        ),
    ],
)
def test_the_examples_for_chats_show_values_as_they_are(tmp_path: Path, queue: str, form: str, expected: str):
    (example,) = EXAMPLES[queue, form]

    assert expected == rendered(tmp_path, queue, form, example, **PARAMETERS)


@pytest.mark.parametrize("changes", [PARAMETERS["changes"], None])
def test_the_example_of_blocks_is_json_whatever_is_in_the_values(tmp_path: Path, changes: list[str] | None):
    (example,) = EXAMPLES["slack", "json"]
    given = {**PARAMETERS, "changes": changes} if changes else {**PARAMETERS, "changes": []}
    made = json.loads(rendered(tmp_path, "slack", "json", example, **given), strict=False)
    header, section, actions = made["blocks"]

    assert "shop &lt;b&gt; 2.0-rc_1" == header["text"]["text"]
    assert f"*New:*{''.join(f'{chr(10)}• {change}' for change in changes or [])}" == section["text"]["text"].replace(
        JOINER, ""
    )
    assert "https://example.org/a_b?x=1&amp;y=2" == actions["elements"][0]["url"]


def test_the_table_of_formats_is_the_code():
    rows = {queue: re.findall(r"`(\w+)`", formats) for queue, formats, _ in PAGE.rows("## Where files go")}
    rows["email"] = ["html", "txt"] if len(rows["email"]) == 1 else rows["email"]

    assert {queue: list(notifier.formats) for queue, notifier in NOTIFIERS.items()} == rows


def test_the_table_of_dialects_is_the_code():
    rows = {(queue, form): dialect for queue, form, dialect, _ in PAGE.rows("## What is escaped")}

    assert rows == {
        (queue, form): dialect.value
        for queue, notifier in NOTIFIERS.items()
        for form, dialect in notifier.formats.items()
    }


@pytest.mark.parametrize("queue", ["telegram", "slack"])
def test_a_value_makes_no_markup_unless_it_is_safe(tmp_path: Path, queue: str):
    for form, dialect in NOTIFIERS[queue].formats.items():
        value = "<b>@ada</b> *_~x~_* :tada: <!channel> <@U1>\n> quoted"
        folder = tmp_path / form
        folder.mkdir()
        text = rendered(folder, queue, form, "{{ value }}|{{ value|safe }}", value=value)
        escaped, _, safe = text.partition("|")

        assert MARKUP[dialect] is not None
        assert value == safe
        assert value != escaped
        if queue == "telegram":
            assert f"@{JOINER}ada" in escaped
        else:
            assert "&lt;!channel&gt; &lt;@U1&gt;" in escaped


@pytest.mark.parametrize(("form", "read"), [("html", read_html), ("md", read_markdown)])
def test_the_examples_for_telegram_are_markup_that_it_takes(
    tmp_path: Path, form: str, read: Callable[[str], list[Run]]
):
    (example,) = EXAMPLES["telegram", form]

    seen = visible(read(rendered(tmp_path, "telegram", form, example, **PARAMETERS)))
    assert seen.startswith("shop <b> 2.0-rc_1 is live.\n")
    assert seen.endswith("What has changed")


@pytest.mark.parametrize("sign", ".-!()+=|{}>#")
def test_a_sign_that_the_page_names_needs_its_backslash(sign: str):
    # A few of them mean nothing wrong in the middle of a line, but then something else than themselves.
    said = PAGE.section("## Telegram").partition("Telegram refuses a")[2].partition("without a")[0]
    assert f"`{sign}`" in said
    assert f"a{sign}b" == visible(read_markdown(f"a\\{sign}b"))
    with pytest.raises(BadMarkup):
        read_markdown(f"a {sign} b")


def test_the_tags_that_the_page_names_are_those_of_telegram():
    tags = re.findall(r"`<([\w-]+)(?: href)?>`", PAGE.section("## Telegram"))

    assert {"b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"} == set(tags)
    for tag in tags:
        address = ' href="https://example.org/"' if tag == "a" else ""
        assert "x" == visible(read_html(f"<{tag}{address}>x</{tag}>"))
    with pytest.raises(BadMarkup):
        read_html("<p>x</p>")


def test_the_limits_of_blocks_are_those_that_are_looked_after():
    limits = {what: [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", most)] for what, most in LIMITS_ROWS}
    text, plain = {"type": "mrkdwn"}, {"type": "plain_text"}
    ((blocks,), (section,), (fields, field), (header,), (elements,), (actions,), (button, address)) = limits.values()

    def refused(count: int, make: Callable[[int], dict[str, Any] | list[Any]]) -> tuple[bool, bool]:
        """Tell whether this many are too many, and one more."""
        made = [made if isinstance(made, list) else [made] for made in (make(count), make(count + 1))]
        return bool(list(complaints(made[0]))), bool(list(complaints(made[1])))

    made = [
        refused(blocks, lambda n: [{"type": "divider"}] * n),
        refused(section, lambda n: {"type": "section", "text": {**text, "text": "x" * n}}),
        refused(fields, lambda n: {"type": "section", "fields": [{**text, "text": "x"}] * n}),
        refused(field, lambda n: {"type": "section", "fields": [{**text, "text": "x" * n}]}),
        refused(header, lambda n: {"type": "header", "text": {**plain, "text": "x" * n}}),
        refused(elements, lambda n: {"type": "context", "elements": [{**text, "text": "x"}] * n}),
        refused(actions, lambda n: {"type": "actions", "elements": [{"type": "datepicker"}] * n}),
        refused(button, lambda n: _button(text="x" * n)),
        refused(address, lambda n: _button(url="x" * n)),
    ]
    assert [(False, True)] * 9 == made


def _button(text: str = "x", url: str = "https://example.org/") -> dict[str, Any]:
    button = {"type": "button", "text": {"type": "plain_text", "text": text}, "url": url}
    return {"type": "actions", "elements": [button]}


def test_the_macros_of_the_page_are_there_and_no_others():
    named = {
        (module, macro)
        for row in PAGE.rows("## Layout and macros")
        for module, macro in re.findall(r"\b(mail|chat|parts)\.(\w+)\(", row[0])
    }
    files = {"chat": ["telegram/macros/chat.html", "telegram/macros/chat.md", "slack/macros/chat.md"]}
    files |= {"mail": ["email/macros/mail.html"], "parts": ["slack/macros/blocks.json"]}

    for module, paths in files.items():
        for path in paths:
            there = re.findall(r"{% macro (\w+)", (ROOT / f"templates/{path}.jinja2").read_text())
            public = {macro for macro in there if not macro.startswith("_") and macro != "foot"}
            assert {macro for of, macro in named if of == module} == public, path
