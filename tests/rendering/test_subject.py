import pytest

from dispatcher.words.errors import Failure

LAYOUT = "<title>{% block subject %}Default{% endblock %}</title>{% block body %}{% endblock %}"


def test_the_title_of_an_html_template_is_the_subject(templates):
    templates.write("email/a.html.jinja2", "<title>{% block subject %} Hi {{ name }} {% endblock %}</title>")

    rendered = templates.renderer.render("a", {"name": "Ä & <B>"})

    assert rendered.subject == "Hi Ä & <B>"
    assert rendered.texts["html"] == "<title> Hi Ä &amp; &lt;B&gt; </title>"


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ("", "Default"),
        ("{% block subject %}Own{% endblock %}", "Own"),
        ("{% block subject %}{{ super() }} and own{% endblock %}", "Default and own"),
        ("{% set x = 'set' %}{% block subject %}{{ x }}{% endblock %}", "set"),
    ],
)
@pytest.mark.parametrize("form", ["html", "txt"])
def test_a_child_overrides_the_subject_of_its_parent(templates, form, child, expected):
    templates.write("base", LAYOUT)
    templates.write(f"email/a.{form}.jinja2", "{% extends 'base' %}" + child + "{% block body %}Body{% endblock %}")

    rendered = templates.renderer.render("a", {})

    assert rendered.subject == expected
    assert rendered.texts[form] == (f"<title>{expected}</title>Body" if form == "html" else "<title></title>Body")


def test_in_a_text_the_block_is_not_printed(templates):
    templates.write("email/a.txt.jinja2", "{% block subject %}Hi {{ name }} & co{% endblock %}\n\nHello\n")

    rendered = templates.renderer.render("a", {"name": "Ada"})

    assert (rendered.subject, rendered.texts["txt"]) == ("Hi Ada & co", "Hello")


def test_the_subject_of_the_text_wins_where_it_has_one(templates):
    templates.write("email/a.html.jinja2", LAYOUT)
    templates.write("email/a.txt.jinja2", "{% block subject %}Text{% endblock %}")
    assert templates.subject() == "Text"

    templates.write("email/a.txt.jinja2", "no block")
    assert templates.subject() == "Default"

    templates.write("email/a.txt.jinja2", "{% block subject %} {% endblock %}")
    assert templates.subject() == "Default"


def test_without_a_block_or_words_in_it_there_is_none(templates):
    templates.write("email/a.html.jinja2", "x")
    assert templates.subject() is None

    templates.write("email/a.html.jinja2", "{% block subject %}\n{% endblock %}")
    assert templates.subject() is None


@pytest.mark.parametrize("sign", ["\r", "\n", "\v", "\f", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("form", ["html", "txt"])
def test_a_line_break_in_a_subject_is_refused(templates, form, sign):
    templates.write(f"email/a.{form}.jinja2", "{% block subject %}Hi {{ name }}{% endblock %}")

    with pytest.raises(Failure, match=r"the subject has a line break") as caught:
        templates.renderer.render("a", {"name": f"a{sign}Bcc: b@example.org"})
    assert (caught.value.kind, caught.value.reason) == ("content", "bad-header")


def test_a_line_break_written_as_html_is_refused_too(templates):
    templates.write("email/a.html.jinja2", "{% block subject %}{{ x|safe }}{% endblock %}")

    with pytest.raises(Failure, match="line break"):
        templates.subject(x="a&#10;b")


def test_what_is_missing_in_a_subject_is_named(templates):
    source = "\n{% block subject %}{{ who }}{% endblock %}"

    assert templates.failure(source)[2] == "email/a.txt.jinja2:2: parameter 'who' is missing"
