import inspect

import pytest
from jinja2 import exceptions

from dispatcher.rendering.environment import ParameterMissing
from dispatcher.rendering.failures import failure_of

JUDGED = {
    "TemplateError": ("content", "render-failed"),
    "TemplateNotFound": ("transient", "template-broken"),
    "TemplatesNotFound": ("transient", "template-broken"),
    "TemplateSyntaxError": ("transient", "template-broken"),
    "TemplateAssertionError": ("transient", "template-broken"),
    "TemplateRuntimeError": ("content", "render-failed"),
    "UndefinedError": ("content", "render-failed"),
    "SecurityError": ("content", "render-failed"),
    "FilterArgumentError": ("content", "render-failed"),
}
ARGUMENTS = {
    "TemplatesNotFound": (["a"],),
    "TemplateSyntaxError": ("text", 1),
    "TemplateAssertionError": ("text", 1),
}


def test_every_exception_of_the_library_is_known():
    known = {name for name, one in inspect.getmembers(exceptions, inspect.isclass) if issubclass(one, Exception)}

    assert known == set(JUDGED)


@pytest.mark.parametrize("name", JUDGED)
def test_every_exception_of_the_library_becomes_a_failure(name):
    error = getattr(exceptions, name)(*ARGUMENTS.get(name, ("text",)))

    failure = failure_of(error, "email/a.txt.jinja2", {})

    assert (failure.kind, failure.reason) == JUDGED[name]


def test_a_failure_does_not_hold_on_to_what_was_rendered(templates):
    templates.write("email/a.txt.jinja2", "{{ x }}")

    with pytest.raises(Exception, match="parameter 'x' is missing") as caught:
        templates.text()

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_what_has_no_name_is_told_in_the_words_of_the_library():
    failure = failure_of(ParameterMissing(None, None, None, "it is undefined"), "email/a.txt.jinja2", {})

    assert failure.text == "email/a.txt.jinja2: it is undefined"
