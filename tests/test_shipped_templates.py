"""The shipped templates of all queues: their parameters arrive as they are, whatever is in them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from dispatcher.contract.email import EmailNotification
from dispatcher.factories import NOTIFIERS
from dispatcher.notifiers.slack.blocks import read_blocks
from dispatcher.notifiers.slack.strings import mrkdwn
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.texts import Rendered
from helpers.inboxes import slack_blocks, telegram_text
from helpers.inboxes.slack_markup import parse_mrkdwn
from helpers.notifications import Author
from tests.shipped import PAGE, QUEUES, ROOT, Parameter, on_disk, shipped

VALUES = {
    "string": "Ada & <Co> für {}",
    "URL": "https://example.org/{}?a=1&b=2",
    "e-mail address": "{}@example.org",
    "string of HTML": "<p>Words of <b>{}</b></p>",
}
JOINER = "\u2060"
NAMES = [(queue, name) for queue in QUEUES for name in shipped(queue)]
CHATS = [(queue, name) for queue, name in NAMES if queue != "email"]
HOSTILE = {
    "markup": "<b>_*[x](http://evil) ~|`",
    "a mention": "<!channel> @everyone <@U123> !channel",
    "quotes": '"\'\\" \\n \\',
    "lines": "first\n> second\r\n```\n\n#!/bin/sh",
    "odd signs": "}{%}{{ 7 * 7 }}:smile: &amp; \t\x07\u2028\u202e",
    "many": '<&"_*>' * 80,
    "nothing": " ",
}


def value(parameter: str, kind: str) -> Any:
    return {"Place": "Vienna & Graz"} if kind.startswith("object") else VALUES[kind].format(parameter)


@cache
def renderer(queue: str) -> Renderer:
    kind = NOTIFIERS[queue]
    return Renderer(TemplateSettings(path=ROOT / "templates"), queue, kind.formats, flat_format=kind.flat_format)


def read(rendered: Rendered) -> tuple[str, list[dict[str, Any]]]:
    """Give what a person sees in a chat, and what in it is more than text; fail where the service would refuse it."""
    ((form, text),) = rendered.texts.items()
    match form, rendered.template.partition("/")[0]:
        case "json", _:
            blocks, beside = read_blocks(text, rendered.template)
            assert [] == slack_blocks.complaints(blocks)
            assert beside
            pieces = [parse_mrkdwn(beside), *pieces_of(blocks)]
            return "\n".join(visible for visible, _ in pieces), [span for _, spans in pieces for span in spans]
        case "md", "slack":
            return parse_mrkdwn(mrkdwn(text))
        case _:
            mode = {"html": "html", "md": "markdownv2", "txt": ""}[form]
            return telegram_text.read(text, mode)


def pieces_of(blocks: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give each text in blocks, and what in it is more than text; a button is a link."""
    match blocks:
        case {"type": "mrkdwn", "text": text}:
            yield parse_mrkdwn(text)
        case {"type": "plain_text", "text": text}:
            yield text, []
        case {"type": "button", "text": {"text": text}, "url": url}:
            yield text, [{"type": "link", "url": url}]
        case dict():
            yield from (piece for below in blocks.values() for piece in pieces_of(below))
        case list():
            yield from (piece for below in blocks for piece in pieces_of(below))


def everything(rendered: Rendered) -> str:
    """Give all that can be read, and all addresses that links lead to."""
    if "html" in rendered.texts and "txt" in rendered.texts:
        return rendered.texts["txt"] + (rendered.subject or "")
    visible, spans = read(rendered)
    return "\n".join([visible, *(span["url"] for span in spans if "url" in span)]).replace(JOINER, "")


@pytest.mark.parametrize("queue", QUEUES)
def test_every_file_compiles(queue: str):
    compiled = renderer(queue).compile_all()

    assert len(compiled) > 10
    assert [trouble for trouble in compiled if trouble[1]] == []


@pytest.mark.parametrize("queue", QUEUES)
def test_the_page_lists_every_template_that_is_shipped(queue: str):
    assert on_disk(queue) == set(shipped(queue))


@pytest.mark.parametrize("locale", [None, "de"])
@pytest.mark.parametrize(("queue", "name"), NAMES)
def test_all_parameters_arrive(queue: str, name: str, locale: str | None):
    parameters = {parameter: value(parameter, kind) for parameter, (kind, _) in shipped(queue)[name].items()}

    rendered = renderer(queue).render(name, parameters, locale)

    seen = everything(rendered)
    for parameter, given in parameters.items():
        for word in given.values() if isinstance(given, dict) else [given]:
            # The preheader is for inboxes, it is no part of the text.
            assert parameter == "preheader" or (word if parameter != "html" else "Words of html") in seen
    if queue == "email":
        assert rendered.subject
        assert "<Co>" not in rendered.texts["html"]
        assert "Ada &amp; &lt;Co&gt;" in rendered.texts["html"]
        assert "&amp;" not in rendered.texts["txt"]


@pytest.mark.parametrize(("queue", "name"), NAMES)
def test_the_required_parameters_suffice(queue: str, name: str):
    parameters = {
        parameter: value(parameter, kind) for parameter, (kind, required) in shipped(queue)[name].items() if required
    }

    rendered = renderer(queue).render(name, parameters)

    seen = everything(rendered)
    assert all(given in seen or parameter == "html" for parameter, given in parameters.items())
    for text in (seen, *(text for form, text in rendered.texts.items() if form not in {"html", "json"})):
        assert not re.search(r"None|\n{4}", text)
        assert queue == "email" or not re.search(r"\n{3}|^\s|\s\s$", text)
    if queue == "email":
        assert rendered.subject or name == "custom"
        assert "Dispatcher" in rendered.texts["txt"]
        assert rendered.texts["html"].rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("queue", "name", "parameter"),
    [(queue, name, one) for queue, name in NAMES for one, told in shipped(queue)[name].items() if told.required],
)
def test_what_the_page_calls_required_is_missed(queue: str, name: str, parameter: str):
    others = {other: value(other, told.kind) for other, told in shipped(queue)[name].items() if other != parameter}

    with pytest.raises(Exception, match=f"parameter '{parameter}' is missing"):
        renderer(queue).render(name, others)


@pytest.mark.parametrize("locale", [None, "de"])
@pytest.mark.parametrize(("queue", "name"), CHATS)
def test_what_strangers_make_up_is_valid(queue: str, name: str, locale: str | None):
    for seed in range(10):
        parameters = json.loads(Author(seed).write(name, queue).body)["parameters"]
        for one in parameters if isinstance(parameters, list) else [parameters]:
            assert everything(renderer(queue).render(name, one, locale))


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize(("queue", "name"), CHATS)
def test_whatever_is_in_a_parameter_is_text(queue: str, name: str, evil: str):
    """Neither refused, nor anything in it that rings, links or looks otherwise than the template says."""
    harmless = {parameter: plain(told, "harmless") for parameter, told in shipped(queue)[name].items()}
    hostile = {parameter: plain(told, HOSTILE[evil]) for parameter, told in shipped(queue)[name].items()}

    rendered = renderer(queue).render(name, hostile)

    assert set() == marks(rendered) - marks(renderer(queue).render(name, harmless))
    assert evil == "nothing" or HOSTILE[evil].split()[0][:100] in everything(rendered)


def plain(told: Parameter, text: str) -> Any:
    return {text: text, "Place": text} if told.kind.startswith("object") else text


def marks(rendered: Rendered) -> set[str]:
    """Give the kinds of what is more than text; what Telegram finds by itself in any text is left out."""
    found_anywhere = {"url", "email", "hashtag", "bot_command", "cashtag"}
    return {span["type"] for span in read(rendered)[1]} - found_anywhere


@pytest.mark.parametrize(("queue", "name"), CHATS)
def test_links_lead_where_they_should(queue: str, name: str):
    """Also where the address has what means something elsewhere."""
    address = "https://example.org/_a_/*b*/~c~?d=(1)&e=%7Cf&g='h'#i"
    named = [parameter for parameter in shipped(queue)[name] if parameter.endswith("_url")]
    words = {parameter: plain(told, "word") for parameter, told in shipped(queue)[name].items()}
    parameters = words | {parameter: f"{address}-{parameter}" for parameter in named}

    spans = read(renderer(queue).render(name, parameters))[1]

    if name == "custom" and queue == "telegram":
        return  # plain text has no links
    assert {f"{address}-{parameter}" for parameter in named} == {span["url"] for span in spans if "url" in span}


def test_a_long_text_is_cut_where_slack_would_refuse_it():
    """As little as it takes: a text of signs that are longer once they are escaped is cut more."""
    parameters = {"event": "e" * 200, "status": "s" * 9_000, "comment": '<&"_*>' * 2_000}

    rendered = renderer("slack").render("events/status_changed", parameters)
    blocks, _ = read_blocks(rendered.texts["json"], "")
    visible = everything(rendered)

    assert "e" * 149 + "…" == blocks[0]["text"]["text"]
    assert "s" * 1_699 + "…" in visible
    assert '<&"_*>' * 80 in visible


@pytest.mark.parametrize("queue", QUEUES)
def test_the_variant_in_german_speaks_german(queue: str):
    rendered = renderer(queue).render("confirm_email", {"confirm_url": "https://example.org/"}, "de-AT")

    assert "Bestätigen Sie Ihre E-Mail-Adresse" in everything(rendered)
    assert queue != "email" or '<html lang="de"' in rendered.texts["html"]


def test_html_of_a_publisher_is_put_in_as_it_is():
    rendered = renderer("email").render("custom", {"html": "<h2>Hi</h2><p>a <b>b</b></p>", "subject": "Hi"})

    assert "<h2>Hi</h2><p>a <b>b</b></p>" in rendered.texts["html"]
    assert "Hi\n\na b\n" in rendered.texts["txt"]


def test_the_examples_of_the_page_work(tmp_path):
    first, subject, missing = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    (message,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    for path in (ROOT / "templates").rglob("*.jinja2"):
        copy = tmp_path / path.relative_to(ROOT / "templates")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    renderer = Renderer(TemplateSettings(path=tmp_path), "email", NOTIFIERS["email"].formats, flat_format="html")

    (tmp_path / "email/welcome.html.jinja2").write_text(first)
    notification = EmailNotification.model_validate(json.loads(message))
    rendered = renderer.render(notification.template, notification.parameters)
    assert rendered.subject == "Welcome, Ada"
    assert "Open it (https://example.org/)" in rendered.texts["txt"]

    (tmp_path / "email/welcome.txt.jinja2").write_text(subject)
    rendered = renderer.render(notification.template, notification.parameters)
    assert rendered.texts["txt"] == "Hello Ada, your account is ready: https://example.org/"

    (tmp_path / "email/missing.txt.jinja2").write_text(missing)
    assert "Hello Ada" in renderer.render("missing", {"name": "Ada"}).texts["txt"]
