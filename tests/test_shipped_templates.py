import json
import re
from pathlib import Path

import pytest

from dispatcher.contract.email import EmailNotification
from dispatcher.notifiers.email import EmailNotifier
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/templates.md").read_text()
VALUES = {
    "string": "Ada & <Co> für {}",
    "URL": "https://example.org/{}?a=1&b=2",
    "e-mail address": "{}@example.org",
    "string of HTML": "<p>Words of <b>{}</b></p>",
    "object of strings": {"Place": "Vienna & Graz"},
}


def table():
    """Read the table of the page: template → parameter → (value, needed)."""
    rows = re.findall(r"^\| (.+?) \| `(\w+)` \| (.+?) \| (required|optional) \|", PAGE, re.MULTILINE)
    found = {}
    for template, parameter, kind, needed in rows:
        value = VALUES[kind] if kind.startswith("object") else VALUES[kind].format(parameter)
        found.setdefault(template.strip("`"), {})[parameter] = (value, needed == "required")
    common = found.pop("every template")
    return {template: {**common, **own} for template, own in found.items()}


SHIPPED = table()


@pytest.fixture(scope="module")
def renderer():
    return Renderer(
        TemplateSettings(path=ROOT / "templates"),
        "email",
        EmailNotifier.formats,
        flat_format="html",
    )


def test_every_file_compiles(renderer):
    compiled = renderer.compile_all()

    assert len(compiled) > 10
    assert [trouble for trouble in compiled if trouble[1]] == []


def test_the_page_lists_every_template_that_is_shipped():
    folder = ROOT / "templates/email"
    names = {path.relative_to(folder).as_posix().split(".")[0] for path in folder.rglob("*.jinja2")}

    assert {name for name in names if not name.startswith(("layouts/", "macros/"))} == set(SHIPPED)


@pytest.mark.parametrize("locale", [None, "de"])
@pytest.mark.parametrize("name", SHIPPED)
def test_all_parameters_arrive_in_the_mail(renderer, name, locale):
    parameters = {parameter: value for parameter, (value, _) in SHIPPED[name].items()}

    rendered = renderer.render(name, parameters, locale)

    assert rendered.subject
    everything = rendered.texts["txt"] + (rendered.subject or "")
    for parameter, value in parameters.items():
        for word in value.values() if isinstance(value, dict) else [value]:
            seen = word if parameter != "html" else "Words of html"
            # The preheader is for inboxes, it is no part of the text.
            assert seen in everything or parameter == "preheader"
    assert "<Co>" not in rendered.texts["html"]
    assert "Ada &amp; &lt;Co&gt;" in rendered.texts["html"]
    assert "&amp;" not in rendered.texts["txt"]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_required_parameters_suffice(renderer, name):
    parameters = {parameter: value for parameter, (value, required) in SHIPPED[name].items() if required}

    rendered = renderer.render(name, parameters)

    assert rendered.subject or name == "custom"
    assert "Dispatcher" in rendered.texts["txt"]
    assert rendered.texts["html"].rstrip().endswith("</html>")
    assert not re.search(r"None|\n{4}", rendered.texts["txt"])


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, parameter) for name, own in SHIPPED.items() for parameter, (_, required) in own.items() if required],
)
def test_what_the_page_calls_required_is_missed(renderer, name, parameter):
    others = {other: value for other, (value, _) in SHIPPED[name].items() if other != parameter}

    with pytest.raises(Exception, match=f"parameter '{parameter}' is missing"):
        renderer.render(name, others)


def test_the_variant_in_german_speaks_german(renderer):
    rendered = renderer.render("confirm_email", {"confirm_url": "https://example.org/"}, "de-AT")

    assert rendered.subject == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert '<html lang="de"' in rendered.texts["html"]


def test_html_of_a_publisher_is_put_in_as_it_is(renderer):
    rendered = renderer.render("custom", {"html": "<h2>Hi</h2><p>a <b>b</b></p>", "subject": "Hi"})

    assert "<h2>Hi</h2><p>a <b>b</b></p>" in rendered.texts["html"]
    assert "Hi\n\na b\n" in rendered.texts["txt"]


def test_the_examples_of_the_page_work(tmp_path):
    first, subject, missing = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    (message,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    for path in (ROOT / "templates").rglob("*.jinja2"):
        copy = tmp_path / path.relative_to(ROOT / "templates")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    renderer = Renderer(TemplateSettings(path=tmp_path), "email", EmailNotifier.formats, flat_format="html")

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
