"""docs/templates.md says what is true of Telegram and Slack; tests/test_shipped_templates.py holds the rest of it."""

import json
import re
from pathlib import Path

import pytest

from dispatcher.factories import NOTIFIERS
from dispatcher.rendering.dialects import JOINER, MARKUP
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from tests.docs.pages import Page

PAGE = Page("templates.md")
EXAMPLES = {
    ("telegram", "html"): PAGE.examples(re.escape("html+jinja"), "## Telegram"),
    ("telegram", "md"): PAGE.examples(re.escape("md+jinja"), "## Telegram"),
    ("slack", "md"): PAGE.examples(re.escape("md+jinja"), "## Slack"),
    ("slack", "json"): PAGE.examples(re.escape("json+jinja"), "## Slack"),
}
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
