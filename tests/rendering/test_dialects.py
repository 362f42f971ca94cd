"""Values are escaped in the dialect of the format, once, whatever way of Jinja they take."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.rendering.dialects import JOINER, MARKUP, Mrkdwn, without_mentions
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect

NAME = '<b>_*[x](http://evil) & "it\'s"'

ESCAPED = {
    Dialect.TELEGRAM_HTML: "&lt;b&gt;_*[x](http://evil) &amp; &#34;it&#39;s&#34;",
    Dialect.MARKDOWN_V2: r"""<b\>\_\*\[x\]\(http://evil\) & "it's\"""".replace('\\"', '"'),
    Dialect.MRKDWN: f'&lt;b&gt;{JOINER}_{JOINER}*{JOINER}[x](http://evil) &amp; "it\'s"',
    Dialect.BLOCK_KIT: f'&lt;b&gt;{JOINER}_{JOINER}*{JOINER}[x](http://evil) &amp; \\"it\'s\\"',
    Dialect.TELEGRAM_TEXT: NAME,
}

WAYS = {
    "printed": "{{ name }}",
    "in a macro": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(name) }}",
    "given to a caller": "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ name }}{% endcall %}",
    "set": "{% set x %}{{ name }}{% endset %}{{ x }}",
    "in a block": "{% block b %}{{ name }}{% endblock %}",
    "escaped": "{{ name|e }}",
    "escaped by force": "{{ name|forceescape }}",
    "formatted": "{{ '%s'|safe|format(name) }}",
    "formatted by method": "{{ ('{}'|safe).format(name) }}",
    "added to what is safe": "{{ ''|safe + name }}",
    "put together with what is safe": "{{ ''|safe ~ name }}",
    "joined to what is safe": "{{ [''|safe, name]|join }}",
    "replaced into what is safe": "{{ ('$'|safe).replace('$', name) }}",
    "replaced by what is safe": "{{ (name ~ '$')|replace('$', ''|safe) }}",
    "a default": "{{ missing|default(name) }}",
    "from a list": "{% for one in [name] %}{{ one }}{% endfor %}",
    "trimmed": "{{ (' ' ~ name)|trim }}",
    "first of a list": "{{ [name]|first }}",
    "by another filter": "{{ [name]|map('string')|first }}",
    "a constant": "{{ " + repr(NAME) + " }}",
}


def render(folder: Path, dialect: Dialect, source: str, **parameters: object) -> str:
    (folder / "q").mkdir(exist_ok=True)
    (folder / "q" / "t.md.jinja2").write_text(source)
    renderer = Renderer(TemplateSettings(path=folder), "q", {"md": dialect})
    return renderer.render("t", parameters).texts["md"]


@pytest.mark.parametrize("dialect", ESCAPED)
@pytest.mark.parametrize("way", WAYS)
def test_a_value_is_escaped_once(way: str, dialect: Dialect, tmp_path: Path):
    assert ESCAPED[dialect] == render(tmp_path, dialect, f"{WAYS[way]}{{# {way} #}}", name=NAME)


@pytest.mark.parametrize("dialect", ESCAPED)
def test_what_is_marked_safe_stays_as_it_is(dialect: Dialect, tmp_path: Path):
    assert "*_<b>" == render(tmp_path, dialect, "{{ x|safe }}", x="*_<b>")


@pytest.mark.parametrize("dialect", ESCAPED)
def test_the_text_of_the_template_stays_as_it_is(dialect: Dialect, tmp_path: Path):
    assert "*a* _b_ <c> \\. [d](e) & @f" == render(tmp_path, dialect, "*a* _b_ <c> \\. [d](e) & @f")


@pytest.mark.parametrize("dialect", ESCAPED)
def test_blocks_of_a_parent_are_escaped_too(dialect: Dialect, tmp_path: Path):
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "p.jinja2").write_text("{% block b %}{{ name }}{% endblock %}")
    child = "{% extends 'p.jinja2' %}{% block b %}{{ super() ~ name }}{{ super() + name }}{{ super() }}{% endblock %}"

    text = render(tmp_path, dialect, child, name=NAME)

    assert 5 * ESCAPED[dialect] == text


@pytest.mark.parametrize("dialect", [Dialect.MARKDOWN_V2, Dialect.MRKDWN, Dialect.TELEGRAM_HTML])
def test_json_in_a_text_is_a_text(dialect: Dialect, tmp_path: Path):
    markup = MARKUP[dialect]
    assert markup
    assert str(markup.escape('{"a": "<!here>"}')) == render(tmp_path, dialect, "{{ x|tojson }}", x={"a": "<!here>"})


@pytest.mark.parametrize("name", ["urlize", "xmlattr"])
def test_filters_that_write_html_are_not_there(name: str, tmp_path: Path):
    with pytest.raises(Failure, match=f"No filter named '{name}'"):
        render(tmp_path, Dialect.MARKDOWN_V2, f"{{{{ x|{name} }}}}", x="http://example.org")


anything = st.text() | st.text("<>&*_~`:@\\\"'\n|!#abc")


@given(anything, anything)
def test_block_kit_is_json_whatever_is_filled_in(value: str, other: str):
    markup = MARKUP[Dialect.BLOCK_KIT]
    assert markup
    document = markup('["{}", {}]')
    read = json.loads(f'["{markup.escape(value)}", {_tojson({"k": [other]})}]', strict=False)

    assert document
    assert [Mrkdwn.quote(value), {"k": [Mrkdwn.quote(other)]}] == read


def _tojson(value: object) -> str:
    from dispatcher.rendering.dialects import json_of

    return str(json_of(value))


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("ask @ada", f"ask @{JOINER}ada"),
        ("@ada", f"@{JOINER}ada"),
        ("(@ada)", f"(@{JOINER}ada)"),
        ("and/@ada", f"and/@{JOINER}ada"),
        ("ada@example.org", "ada@example.org"),
        ("https://example.org/@ada and @bob", f"https://example.org/@ada and @{JOINER}bob"),
        ("http://@ada", f"http://@{JOINER}ada"),
        ("http://x/@ada http://0:@bob", f"http://x/@{JOINER}ada http://0:@{JOINER}bob"),
        ("ahttps://example.org/@ada", f"ahttps://example.org/@{JOINER}ada"),
        ("https://example.org/<@ada>", f"https://example.org/<@{JOINER}ada>"),
        ("https://ada@example.org:8080/@bob", "https://ada@example.org:8080/@bob"),
        (
            "http://10.0.0.1?@ada http://xn--bcher-kva.example#@bob",
            "http://10.0.0.1?@ada http://xn--bcher-kva.example#@bob",
        ),
        ("a @ b", "a @ b"),
    ],
)
def test_a_mention_is_broken_and_an_address_is_not(text: str, broken: str):
    assert broken == without_mentions(text)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("snake_case_name", "snake_case_name"),
        ("2*3*4", "2*3*4"),
        ("*bold*", f"{JOINER}*{JOINER}bold{JOINER}*{JOINER}"),
        ("**_**", f"{JOINER}*{JOINER}*{JOINER}_{JOINER}*{JOINER}*{JOINER}"),
        (":tada:", f":{JOINER}tada:"),
        ("12:30:45", f"12:{JOINER}30:45"),
        ("> quote", f"{JOINER}&gt; quote"),
        ("a\n > quote", f"a\n {JOINER}&gt; quote"),
        ("1 > 0", "1 &gt; 0"),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
def test_mrkdwn_is_changed_no_more_than_needed(text: str, quoted: str):
    assert quoted == Mrkdwn.quote(text)


@pytest.mark.parametrize("text", ["```", "a```b", "x ``` y", "``````"])
def test_mrkdwn_has_no_block_of_code(text: str):
    assert "``" not in Mrkdwn.quote(text)
    assert text == Mrkdwn.quote(text).replace(JOINER, "")
