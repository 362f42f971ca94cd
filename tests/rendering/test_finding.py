import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.rendering.finder import Finder
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect


def test_both_formats_are_rendered_where_both_exist(templates):
    templates.write("email/a.html.jinja2", "<p>{{ name }}</p>")
    templates.write("email/a.txt.jinja2", "{{ name }}")

    rendered = templates.renderer.render("a", {"name": "Ada & Grace"})

    assert rendered.texts == {"html": "<p>Ada &amp; Grace</p>", "txt": "Ada & Grace"}
    assert rendered.template == "email/a.html.jinja2"


def test_a_text_alone_stays_alone(templates):
    templates.write("email/a.txt.jinja2", "plain")

    assert templates.renderer.render("a", {}).texts == {"txt": "plain"}


def test_html_alone_gets_a_text_made_from_it(templates):
    templates.write("email/a.html.jinja2", "<p>Hello</p><p>See <a href='https://e.org/x'>here</a></p>")

    assert templates.text() == "Hello\n\nSee here (https://e.org/x)\n"


def test_no_text_is_made_where_the_notifier_has_no_texts(templates):
    templates.write("other/a.html.jinja2", "<p>Hello</p>")
    renderer = Renderer(TemplateSettings(path=templates.folder), "other", {"html": Dialect.HTML})

    assert renderer.render("a", {}).texts == {"html": "<p>Hello</p>"}


def test_a_flat_folder_of_existing_files_works_as_it_is(templates):
    templates.write("base.jinja2", "<b>{% block body %}{% endblock %}</b>{% include 'parts/foot.jinja2' %}")
    templates.write("parts/foot.jinja2", "<i>foot</i>")
    templates.write("snippets/macros.jinja2", "{% macro hi(name) %}Hi {{ name }}{% endmacro %}")
    templates.write(
        "a.jinja2",
        '{% extends "base.jinja2" %}{% import "snippets/macros.jinja2" as m %}'
        "{% block body %}{{ m.hi(name) }}{% endblock %}",
    )

    assert templates.renderer.render("a", {"name": "<Ada>"}).texts["html"] == "<b>Hi &lt;Ada&gt;</b><i>foot</i>"


def test_the_folder_of_the_queue_wins_over_the_flat_one(templates):
    templates.write("a.jinja2", "flat")
    templates.write("email/a.html.jinja2", "own")

    assert templates.html() == "own"


def test_without_a_flat_format_flat_files_are_not_looked_at(templates):
    templates.write("a.jinja2", "flat")
    renderer = Renderer(TemplateSettings(path=templates.folder), "email", {"html": Dialect.HTML})

    with pytest.raises(Failure, match=r"none of email/a\.html\.jinja2 is in"):
        renderer.render("a", {})
    assert renderer.compile_all() == []


def test_folders_below_the_queue_are_part_of_the_name(templates):
    templates.write("email/events/submitted.txt.jinja2", "in")

    assert templates.text("events/submitted") == "in"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de-AT", "de-AT"),
        ("de_at", "de-AT"),
        ("DE-ch", "de"),
        ("zh-hant-TW", "zh-Hant"),
        ("zh", "plain"),
        ("fr", "flat fr"),
        ("en-GB", "plain"),
        (None, "plain"),
    ],
)
def test_the_nearest_locale_wins_then_the_plain_template(templates, locale, expected):
    templates.write("email/a.txt.jinja2", "plain")
    templates.write("email/a.de.txt.jinja2", "de")
    templates.write("email/a.de-AT.txt.jinja2", "de-AT")
    templates.write("email/a.zh-Hant.txt.jinja2", "zh-Hant")
    templates.write("a.fr.jinja2", "flat fr")

    assert templates.text(locale=locale).strip() == expected


def test_the_variant_decides_which_formats_there_are(templates):
    templates.write("email/a.html.jinja2", "<p>plain</p>")
    templates.write("email/a.txt.jinja2", "plain")
    templates.write("email/a.de.txt.jinja2", "de")

    assert templates.renderer.render("a", {}, "de").texts == {"txt": "de"}


def test_what_is_missing_is_named_and_may_still_come(templates):
    assert templates.failure() == (
        "transient",
        "template-missing",
        (
            "template 'a' is missing: none of email/a.html.jinja2, email/a.txt.jinja2, a.jinja2 "
            "is in the folder of templates"
        ),
    )


def test_a_folder_is_no_template(templates):
    (templates.folder / "email/a.html.jinja2").mkdir(parents=True)

    assert templates.failure()[1] == "template-missing"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "a\\..\\b", "a\0b", "", ".", "a//b", "C:x"])
def test_a_name_cannot_leave_the_folder(templates, name):
    templates.write("secret.jinja2", "secret")
    templates.write("../secret.jinja2", "secret")

    assert templates.failure(name=name)[:2] == ("content", "malformed")


@given(st.text(), st.none() | st.text())
def test_no_name_and_no_locale_finds_what_is_outside(tmp_path_factory, name, locale):
    folder = tmp_path_factory.getbasetemp() / "names" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "x.jinja2").write_text("secret")
    finder = Finder(folder, "email", {"html": Dialect.HTML}, "html")

    with pytest.raises(Failure):
        finder.find(name, locale)


@pytest.mark.parametrize(
    "reference", ["../../secret", "../secret.txt", "/../secret.txt", "..\\secret.txt", "a\0b", "", "/"]
)
def test_a_reference_cannot_leave_the_folder(templates, reference):
    templates.write("../secret.txt", "secret")

    assert templates.failure("{% include part %}", part=reference)[:2] == ("transient", "template-broken")


def test_an_override_may_extend_what_it_overrides(templates):
    templates.write("base.jinja2", "flat {% block x %}{% endblock %}")
    templates.write(
        "email/base.jinja2", "{% extends 'base.jinja2' %}{% block x %}own {% block y %}{% endblock %}{% endblock %}"
    )
    templates.write("email/a.txt.jinja2", "{% extends './base.jinja2' %}{% block y %}child{% endblock %}")

    assert templates.text() == "flat own child"


def test_a_template_may_include_itself(templates):
    templates.write("email/a.txt.jinja2", "{{ n }}{% if n %}{% set n = n - 1 %}{% include 'a.txt.jinja2' %}{% endif %}")

    assert templates.text(n=3) == "3210"


def test_check_compiles_every_file_and_says_what_is_wrong(templates):
    templates.write("email/a.txt.jinja2", "fine")
    templates.write("email/b.html.jinja2", "{% if %}")
    templates.write("email/layouts/base.jinja2", "fine")
    templates.write("flat.jinja2", "{% extends 'nowhere' %}")
    templates.write("slack/b.txt.jinja2", "{% not mine %}")

    assert templates.renderer.compile_all() == [
        ("email/a.txt.jinja2", None),
        ("email/b.html.jinja2", "email/b.html.jinja2:1: Expected an expression, got 'end of statement block'"),
        ("email/layouts/base.jinja2", None),
        ("flat.jinja2", "flat.jinja2:1: there is no nowhere"),
    ]
