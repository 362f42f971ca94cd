"""From what a template gave to blocks: JSON, its shape, Slack's limits, and strings that show as they should."""

import json

import pytest

from dispatcher.notifiers.slack.blocks import read_blocks
from dispatcher.notifiers.slack.limits import KNOWN
from dispatcher.words.errors import Failure, Kind, Reason

J = "\u2060"
FILE = "slack/alert.json.jinja2"


def read(document):
    return read_blocks(document if isinstance(document, str) else json.dumps(document), FILE)


def refusal(document) -> str:
    """Why it is refused, less the file."""
    with pytest.raises(Failure) as caught:
        read(document)
    assert (Kind.CONTENT, Reason.BAD_BLOCKS) == (caught.value.kind, caught.value.reason)
    assert caught.value.text.startswith(f"{FILE}: ")
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.text.removeprefix(f"{FILE}: ")


def plain(text="x"):
    return {"type": "plain_text", "text": text}


def mrkdwn(text="x"):
    return {"type": "mrkdwn", "text": text}


def section(**parts):
    return {"type": "section", **parts}


def button(**parts):
    return {"type": "button", "text": plain(), **parts}


def image(**parts):
    return {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "x", **parts}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def context(*elements):
    return {"type": "context", "elements": list(elements)}


class TestJson:
    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("", "Expecting value (line 1, column 1)"),
            ('[\n  {"type": "divider"},\n  oops]', "Expecting value (line 3, column 3)"),
            ('[{"type": "divider"}', "Expecting ',' delimiter (line 1, column 21)"),
            ("[NaN]", "it has a number that JSON does not know"),
            ("[-Infinity]", "it has a number that JSON does not know"),
            ("[1e999]", "it has a number that JSON does not know"),
            (f"[{'1' * 5000}]", "it has a number that JSON does not know"),
            ("[" * 100_000, "it is nested too deeply"),
        ],
        ids=lambda value: value[:20],
    )
    def test_that_is_none_is_said_with_its_place(self, source, said):
        assert f"is not JSON once it is rendered: {said}" == refusal(source)

    @pytest.mark.parametrize("depth", [42, 500, 900])
    def test_that_is_nested_deeper_than_any_blocks_is_refused(self, depth):
        assert "it is nested too deeply" == refusal("[" * depth + "]" * depth)

    def test_may_have_line_breaks_in_its_strings(self):
        (block,), _ = read('[{"type": "section", "text": {"type": "mrkdwn", "text": "two\nlines\tand a tab"}}]')

        assert "two\nlines\tand a tab" == block["text"]["text"]

    @pytest.mark.parametrize("document", [{}, {"blocks": {}}, "1", '"x"', "null", {"block": []}])
    def test_has_to_be_a_list_or_an_object_with_blocks(self, document):
        assert refusal(document).startswith("must be a list of blocks, or an object like ")

    def test_may_have_nothing_beside_blocks_and_text(self):
        assert "it has also attachments, color" in refusal({"blocks": [], "attachments": [], "color": "#f00"})
        assert "its text must be a string" == refusal({"blocks": [], "text": 3})

    @pytest.mark.parametrize(
        ("document", "text"),
        [([], None), ({"blocks": []}, None), ({"blocks": [], "text": None}, None), ({"blocks": [], "text": "x"}, "x")],
    )
    def test_may_have_a_text_beside_the_blocks(self, document, text):
        assert ([], text) == read(document)


class TestLimits:
    @pytest.mark.parametrize(
        "block",
        [
            {"type": "divider"},
            section(text=mrkdwn("x" * 3000)),
            section(text=plain("x" * 3000)),
            section(fields=[mrkdwn("x" * 2000)] * 10),
            section(text=mrkdwn(), accessory=button(url="https://" + "x" * 2992, value="v" * 2000)),
            section(text=mrkdwn(), accessory={"type": "static_select", "options": []}),
            {"type": "header", "text": plain("x" * 150)},
            context(*[mrkdwn()] * 9, image()),
            actions(*[button(text=plain("x" * 75))] * 25),
            image(alt_text="x" * 2000, image_url="https://" + "x" * 2992),
            image(alt_text=""),
            {"type": "image", "alt_text": "x", "slack_file": {"id": "F1"}},
            {"type": "image", "alt_text": "x", "image_url": "https://x", "title": plain()},
            *({"type": kind} for kind in sorted(KNOWN - {"section", "header", "context", "actions", "image"})),
        ],
        ids=lambda block: f"{block}"[:40],
    )
    def test_what_fits_passes(self, block):
        assert ([block], None) == read([block])

    @pytest.mark.parametrize(
        ("block", "said"),
        [
            (3, "block 1 is no object"),
            ([], "block 1 is no object"),
            ({}, "block 1 has no type"),
            ({"type": 3}, "block 1 has no type"),
            ({"type": ["section"]}, "block 1 has no type"),
            ({"type": "sectoin"}, "block 1 has the type 'sectoin', which Slack does not know"),
            (section(), "block 1 (section): needs text or fields"),
            (section(text="x"), "(section): text must be an object with the type mrkdwn or plain_text and a text"),
            (section(text={"type": "html", "text": "x"}), "mrkdwn or plain_text and a text"),
            (section(text={"type": "mrkdwn", "text": 3}), "mrkdwn or plain_text and a text"),
            (section(text=mrkdwn("")), "block 1 (section): text is empty"),
            (section(text=mrkdwn("x" * 3001)), "block 1 (section): text has 3,001 characters, at most 3,000 fit"),
            (section(fields=[]), "block 1 (section): fields must be a list with something in it"),
            (section(fields=[mrkdwn()] * 11), "block 1 (section): fields has 11 entries, at most 10 fit"),
            (section(fields=[mrkdwn(), mrkdwn("x" * 2001)]), "fields 2 has 2,001 characters, at most 2,000 fit"),
            (section(text=mrkdwn(), accessory=image(alt_text=3)), "accessory.alt_text must be a string"),
            (section(text=mrkdwn(), accessory=button(text=mrkdwn())), "accessory.text must be an object with the type"),
            ({"type": "header"}, "block 1 (header): text must be an object with the type plain_text and a text"),
            ({"type": "header", "text": mrkdwn()}, "text must be an object with the type plain_text and a text"),
            ({"type": "header", "text": plain("x" * 151)}, "(header): text has 151 characters, at most 150 fit"),
            (context(), "block 1 (context): elements must be a list with something in it"),
            (context(*[mrkdwn()] * 11), "block 1 (context): elements has 11 entries, at most 10 fit"),
            (context(mrkdwn(), {}), "block 1 (context): elements 2 has no type"),
            (context(3), "block 1 (context): elements 1 has no type"),
            (context(mrkdwn("x" * 3001)), "elements 1 has 3,001 characters"),
            (context({"type": "image", "image_url": "https://x"}), "elements 1.alt_text is missing"),
            ({"type": "actions"}, "block 1 (actions): elements must be a list with something in it"),
            (actions(*[button()] * 26), "block 1 (actions): elements has 26 entries, at most 25 fit"),
            (actions(button(), button(text=plain("x" * 76))), "elements 2.text has 76 characters, at most 75 fit"),
            (actions(button(url="x" * 3001)), "elements 1.url has 3,001 characters, at most 3,000 fit"),
            (actions(button(url=None)), "elements 1.url must be a string"),
            (actions(button(value="x" * 2001)), "elements 1.value has 2,001 characters, at most 2,000 fit"),
            ({"type": "image", "image_url": "https://x"}, "block 1 (image): alt_text is missing"),
            ({"type": "image", "alt_text": "x"}, "block 1 (image): image_url is missing"),
            (image(alt_text="x" * 2001), "block 1 (image): alt_text has 2,001 characters, at most 2,000 fit"),
            (image(image_url="x" * 3001), "block 1 (image): image_url has 3,001 characters, at most 3,000 fit"),
        ],
        ids=lambda value: f"{value}"[:60],
    )  # fmt: skip
    def test_what_does_not_is_said_with_its_block(self, block, said):
        assert said in refusal([block])

    def test_the_block_is_counted_from_one(self):
        assert refusal([{"type": "divider"}, section(text=mrkdwn("")), {"type": "divider"}]).startswith("block 2 ")

    def test_so_many_blocks_fit_and_no_more(self):
        assert 50 == len(read([{"type": "divider"}] * 50)[0])
        assert "51 blocks, at most 50 fit" == refusal([{"type": "divider"}] * 51)

    def test_of_many_complaints_the_first_are_said(self):
        assert refusal([{}] * 9).endswith("block 3 has no type; and 6 more")

    def test_what_the_templates_give_is_measured_as_it_is_sent(self):
        """Where no mrkdwn is read, the escapes are out before."""
        assert 150 == len(read([{"type": "header", "text": plain("&lt;" * 150)}])[0][0]["text"]["text"])


class TestStrings:
    ESCAPED = f"a &lt;b&gt; &amp;amp; {J}*{J}c"

    @pytest.mark.parametrize(
        "block",
        [
            {"type": "header", "text": plain(ESCAPED)},
            image(alt_text=ESCAPED),
            actions(button(value=ESCAPED)),
            actions(button(url=ESCAPED)),
            {"type": "section", "block_id": ESCAPED, "text": mrkdwn()},
            {"type": "rich_text", "elements": [{"type": "text", "text": ESCAPED}]},
            {"type": "table", "rows": [[{"type": "raw_text", "text": ESCAPED}]]},
        ],
        ids=lambda block: block["type"],
    )  # fmt: skip
    def test_are_plain_where_no_mrkdwn_is_read(self, block):
        expected = json.dumps(block).replace(json.dumps(self.ESCAPED), json.dumps("a <b> &amp; *c"))

        assert [json.loads(expected)] == read([block])[0]

    @pytest.mark.parametrize("kind", ["mrkdwn", "markdown"])
    def test_stay_escaped_where_markup_is_read(self, kind):
        text = {"type": kind, "text": self.ESCAPED}
        block = text if kind == "markdown" else section(text=text)

        assert [block] == read([block])[0]

    def test_of_mrkdwn_lead_where_they_should(self):
        text = f"<https://x.example/{J}_{J}a{J}_{J}?b=1&amp;c=2|{J}*{J}label> {J}_{J}d <!date^1^{{date}}|{J}_{J}e>"

        (block,), _ = read([section(text=mrkdwn(text))])

        expected = f"<https://x.example/_a_?b=1&amp;c=2|{J}*{J}label> {J}_{J}d <!date^1^{{date}}|{J}_{J}e>"
        assert expected == block["text"]["text"]

    def test_keep_emoji_of_parameters_from_being_emoji(self):
        (block,), _ = read([{"type": "header", "text": plain(f":tada: {J}*{J} :{J}tada: a{J}_{J}")}])

        assert f":tada: * :{J}tada: a_" == block["text"]["text"]

    @pytest.mark.parametrize("text", ["\\ud800", "a\\udc00b"])
    def test_with_halves_of_characters_are_mended(self, text):
        document = (
            f'[{{"type": "section", "{text}": 1, "text": {{"type": "mrkdwn", "text": "{text}"}}, "x": "{text}"}}]'
        )

        assert "\ufffd" in json.dumps(read(document)[0], ensure_ascii=False).encode().decode()

    def test_what_is_no_string_stays(self):
        block = {"type": "video", "a": 1, "b": 1.5, "c": True, "d": None, "e": [], "f": {}}

        assert [block] == read([block])[0]
