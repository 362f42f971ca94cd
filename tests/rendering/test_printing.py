"""What is printed in one step is what Jinja prints in three."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup, escape

from dispatcher.words.errors import Failure


@given(st.one_of(st.text(), st.integers(), st.floats(), st.lists(st.text())))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_printed_value_is_what_the_library_makes_of_it(templates, value):
    templates.write("email/a.html.jinja2", "{{ value }}|{{ [value][0] }}")
    templates.write("email/a.txt.jinja2", "{{ value }}")

    assert f"{escape(value)}|{escape(value)}" == templates.html(value=value)
    assert str(value).lstrip("\r\n") == templates.text(value=value)


def test_what_was_printed_before_changes_nothing_for_what_is_like_it(templates):
    templates.write(
        "email/a.html.jinja2", "{{ v }} {{ v }} {{ v|safe }} {{ w }} {{ w|safe }} {{ w }} {{ n }}{{ t }}{{ f }}"
    )
    templates.write("email/a.txt.jinja2", "{{ v }} {{ w }} {{ v }} {{ w }} {{ n }}{{ t }}{{ f }}")
    values = {"v": "1", "w": "<b>", "n": 1, "t": True, "f": 1.0}

    assert "1 1 1 &lt;b&gt; <b> &lt;b&gt; 1True1.0" == templates.html(**values)
    assert "1 <b> 1 <b> 1True1.0" == templates.text(**values)


@pytest.mark.parametrize("form", ["html", "txt"])
@pytest.mark.parametrize("value", ["x" * 100, "x" * 1000, "<" * 100, ["x" * 100], 10**100])
def test_a_row_of_values_counts_as_one_text(templates, form, value):
    templates.write(f"email/a.{form}.jinja2", "{{ v }}" * 400)

    with pytest.raises(Failure, match="longer than 20,000 characters"):
        templates.renderer_of(size_limit=20_000).render("a", {"v": value})


@pytest.mark.parametrize("form", ["html", "txt"])
def test_a_macro_in_a_row_does_not_begin_the_count_anew(templates, form):
    """Else a row could hold each value once, escaped, before it is counted as a whole."""
    macro = "{% macro m(x) %}{{ x }}-{{ x }}{% endmacro %}"
    templates.write(f"email/a.{form}.jinja2", macro + "{{ v }}{{ m(1) }}" * 10 + "{{ missing }}")

    with pytest.raises(Failure, match="longer than 20,000 characters"):
        templates.renderer_of(size_limit=20_000).render("a", {"v": "&" * 19_000})


def test_an_error_in_a_row_is_told_with_its_line(templates):
    templates.write("email/a.html.jinja2", "{{ v }}\n{{ v }} and {{ v }}\n{{ v / 0 }}\n{{ v }}")

    with pytest.raises(Failure, match=r"a\.html\.jinja2:3: "):
        templates.renderer_of().render("a", {"v": 1})


def test_a_field_of_an_object_is_found_where_jinja_finds_it(templates):
    templates.write("email/a.txt.jinja2", "{{ o.name }} {{ o.items is callable }} {{ o['items'] }} {{ o._x }}")

    assert "Ada True 5 6" == templates.text(o={"name": "Ada", "items": 5, "_x": 6})


@pytest.mark.parametrize(
    ("value", "html"), [(Markup("<b>"), "<b>"), (Markup("<b>") + "<", "<b>&lt;"), (True, "True"), (None, "None")]
)
def test_what_is_safe_stays_so(templates, value, html):
    templates.write("email/a.html.jinja2", "{{ value }}{{ '<i>' }}{{ '<i>'|safe }}")

    assert f"{html}&lt;i&gt;<i>" == templates.html(value=value)


def test_a_part_of_a_template_may_escape_or_not(templates):
    templates.write(
        "email/a.html.jinja2",
        "{{ v }}{% autoescape false %}{{ v }}{% endautoescape %}{% autoescape off %}{{ v }}{% endautoescape %}",
    )

    assert "&lt;<<" == templates.html(v="<", off=False)
    assert "&lt;<&lt;" == templates.html(v="<", off=True)


def test_a_part_that_does_not_escape_leaves_constants_alone(templates):
    templates.write("email/a.html.jinja2", "{% autoescape false %}{{ '<i>' }}{{ v }}{% endautoescape %}{{ '<i>' }}")

    assert "<i><&lt;i&gt;" == templates.html(v="<")
