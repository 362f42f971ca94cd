"""Whatever stands in a parameter: a reader sees just that, and it is never more than text.

Templates are rendered as the daemon does it, and what would be sent is read as Slack reads it.
"""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatcher.notifiers.slack import SlackNotifier
from dispatcher.notifiers.slack.notifier import compose
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.texts import Rendered
from helpers.inboxes.slack_markup import parse_mrkdwn

J = "\u2060"

JSON = """\
{"blocks": [
  {"type": "header", "text": {"type": "plain_text", "text": ">{{ text }}"}},
  {"type": "section", "text": {"type": "mrkdwn", "text": "{{ text }}"}},
  {"type": "section", "fields": [
    {"type": "mrkdwn", "text": "a {{ text }} b"},
    {"type": "plain_text", "text": {{ ("x" ~ text) | tojson }}}]},
  {"type": "actions", "elements": [
    {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://x.example/{{ text }}",
     "value": {{ text | tojson }}}]},
  {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "{{ text }}"},
  {"type": "rich_text", "elements": [
    {"type": "rich_text_section", "elements": [{"type": "text", "text": "{{ text }}"}]}]},
  {"type": "section", "text": {"type": "mrkdwn", "text": "<https://x.example/{{ text }}|{{ text }}>"}}
], "text": {{ text | tojson }}}
"""
MARKDOWN = "{{ text }}"
AMID = "Dear {{ text }}, *{{ text }}*\n> {{ text }}"

pieces = st.sampled_from(
    [
        *"*_~`<>&:@#!|\\\"'/{}%\n\t ",
        "```",
        "&amp;",
        "&lt;",
        "&lt;!here&gt;",
        "<!channel>",
        "<@U024BE7LH>",
        "<https://x.example|y>",
        ":tada:",
        ":+1:",
        ":a-b_c':",
        "*bold*",
        "_italic_",
        "~strike~",
        "`code`",
        "\n> quote",
        "\n>>> quote",
        "@here",
        "a",
        "Zoë",
        "7",
        "\u00a0",
        "\u2028",
        "\r\n",
        "👍🏽",
        "\u202e",
        "\x00",
        "\ud800",
    ]
)
texts = st.lists(st.one_of(pieces, st.text(max_size=5)), max_size=12).map("".join)
words = st.text(st.characters(min_codepoint=33, codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "slack").mkdir()
    (folder / "slack" / "blocks.json.jinja2").write_text(JSON)
    (folder / "slack" / "alone.md.jinja2").write_text(MARKDOWN)
    (folder / "slack" / "amid.md.jinja2").write_text(AMID)
    return Renderer(TemplateSettings(path=folder), "slack", SlackNotifier.traits.formats)


def seen(text: str) -> str:
    """What a person sees of a text: invisible joiners are not there, halves of characters are replaced."""
    return text.replace(J, "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def assert_only_text(text: str, mrkdwn: str) -> None:
    visible, spans = parse_mrkdwn(mrkdwn)
    assert [] == spans
    assert seen(text) == seen(visible)


@given(texts)
@example("*a* _b_ ~c~ `d` ```e``` <!channel> <@U1> <https://x|y> :tada: & &amp;\n> quote\n>>> more")
@example(":_tada_: :a:b:c: *_~`*")
@settings(deadline=None)
def test_a_parameter_of_a_markdown_template_is_text(renderer, text):
    # Line breaks at the beginning of a template's text are left out by the renderer.
    if not seen(text).strip():
        return
    mrkdwn = compose(renderer.render("alone", {"text": f".{text}"}))["text"]

    assert_only_text(f".{text}", mrkdwn)


@given(texts)
@settings(deadline=None)
def test_a_parameter_at_the_beginning_of_one_is_text(renderer, text):
    rendered = renderer.render("alone", {"text": text}).texts["md"]

    assert_only_text(text.lstrip("\r\n"), rendered)


@given(st.text(alphabet="ab1 .,-é👍", min_size=1, max_size=10).filter(lambda text: text == text.strip()))
@settings(deadline=None)
def test_what_the_template_formats_stays_formatted(renderer, text):
    mrkdwn = compose(renderer.render("amid", {"text": text}))["text"]

    visible, spans = parse_mrkdwn(mrkdwn)
    assert f"Dear {text}, {text}\n{text}" == seen(visible)
    assert ["bold", "quote"] == [span["type"] for span in spans]


@given(texts)
@example('"}, {"type": "divider"}, {"x": "')
@example('\\", \\u0022 \\')
@settings(deadline=None)
def test_a_parameter_of_a_json_template_is_text_wherever_it_stands(renderer, text):
    text = f".{text}"  # an empty text is for Slack to refuse
    sent = compose(renderer.render("blocks", {"text": text}))

    header, section, fields, actions, image, rich, _ = sent["blocks"]
    assert seen(f">{text}") == seen(header["text"]["text"])
    assert_only_text(text, section["text"]["text"])
    assert_only_text(f"a {text} b", fields["fields"][0]["text"])
    assert seen(f"x{text}") == seen(fields["fields"][1]["text"])
    assert seen(f"https://x.example/{text}") == actions["elements"][0]["url"]
    assert seen(text) == actions["elements"][0]["value"]
    assert seen(text) == image["alt_text"]
    assert seen(text) == rich["elements"][0]["elements"][0]["text"]
    assert_only_text(text, sent["text"])
    assert json.dumps(sent).isascii()


@given(words)
@settings(deadline=None)
def test_an_address_in_a_link_leads_where_it_should(renderer, path):
    if "|" in path:
        return  # Slack's links end there; it has to be written %7C
    sent = compose(renderer.render("blocks", {"text": path}))

    visible, (link,) = parse_mrkdwn(sent["blocks"][-1]["text"]["text"])
    assert "link" == link["type"]
    assert f"https://x.example/{path.replace(J, '')}" == link["url"]
    assert seen(path) == seen(visible)


@given(texts)
@settings(deadline=None)
def test_plain_text_has_no_emoji_of_a_parameter(renderer, text):
    sent = compose(renderer.render("blocks", {"text": f".{text}"}))

    for shown in (sent["blocks"][0]["text"]["text"], sent["blocks"][2]["fields"][1]["text"]):
        _, spans = parse_mrkdwn(shown.replace("<", "&lt;"))
        assert "emoji" not in {span["type"] for span in spans}


@given(texts)
@settings(deadline=None)
def test_the_text_beside_the_blocks_mentions_nobody(renderer, text):
    """Where it is made of the blocks."""
    rendered = renderer.render("blocks", {"text": f".{text}"})
    blocks = json.dumps(json.loads(rendered.texts["json"], strict=False)["blocks"][:-1])

    derived = compose(Rendered({"json": blocks}, None, rendered.template))["text"]

    _, spans = parse_mrkdwn(derived)
    assert not {"mention", "link"} & {span["type"] for span in spans}
