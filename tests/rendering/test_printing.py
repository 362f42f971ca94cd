"""What is printed in one step is what Jinja prints in three."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup, escape


@given(st.one_of(st.text(), st.integers(), st.floats(), st.lists(st.text())))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_printed_value_is_what_the_library_makes_of_it(templates, value):
    templates.write("email/a.html.jinja2", "{{ value }}|{{ [value][0] }}")
    templates.write("email/a.txt.jinja2", "{{ value }}")

    assert f"{escape(value)}|{escape(value)}" == templates.html(value=value)
    assert str(value).lstrip("\r\n") == templates.text(value=value)


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
