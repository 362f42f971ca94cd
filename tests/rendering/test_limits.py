from time import perf_counter, process_time

import pytest

from dispatcher.rendering import limits
from dispatcher.rendering.failures import failure_of
from dispatcher.rendering.limits import Meter, RenderMemory
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.rendering.weights import RenderLimit
from dispatcher.words.errors import Kind, Reason

LOOPS = [
    "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
    "{% for a in range(90000) %}{% for b in range(90000) %}x{% endfor %}{% endfor %}",
    "{% for a in range(90000) %}{% for b in range(90000) if false %}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% for n in [[60]] recursive %}{% if n[0] %}{{ loop([[n[0] - 1], [n[0] - 1]]) }}{% endif %}{% endfor %}",
    "{% if n %}{% set n = n - 1 %}{% include 'a.txt.jinja2' %}{% include 'a.txt.jinja2' %}{% endif %}",
    "{% block b %}{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}{% endblock %}",
    "{% block subject %}{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}{% endblock %}",
    "{% set x %}{% for a in range(9000) %}{% for b in range(9000) %}{{ n and '' }}{% endfor %}{% endfor %}{% endset %}",
]

BOMBS = [
    '{{ "x" * 10**9 }}',
    '{{ 10**9 * "x" }}',
    "{{ [1] * 10**9 }}",
    "{{ 10 ** (10 ** 9) }}",
    "{% set ns = namespace(x=10**9999) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x ~ '' }}",
    "{{ [big] * 9000 }}",
    "{{ ([big] * 9000)|join }}",
    "{{ {'a': [big] * 9000}|tojson }}",
    "{{ [1, [1, [1]]]|tojson(indent=9999) }}",
    "{{ [1]|tojson(indent=10**9) }}",
    "{{ ([1] * 9000)|join(big) }}",
    "{{ big.join(['a'] * 9000) }}",
    "{{ big|replace('b', big) }}",
    "{{ big.replace('', big) }}",
    "{{ big.translate({98: big}) }}",
    "{{ 'x'|center(10**9) }}",
    "{{ 'x'.center(10**9) }}",
    "{{ 'x'.zfill(10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}",
    "{{ ('\n' * 9000)|indent(9000) }}",
    "{{ ('\n' * 9000)|indent(big) }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{{ big|wordwrap(1, true, big) }}",
    "{{ [1]|batch(10**9, 0)|list }}",
    "{{ [1]|slice(10**9)|list }}",
    "{{ 1.5|round(10**9, 'ceil') }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%.1000000000f'|format(1) }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ ('%(a)s' * 999) % {'a': big} }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 10**9) }}",
    "{{ ('{:1000000000}'|safe).format(1) }}",
    "{{ '{a:1000000000}'.format_map({'a': 1}) }}",
    "{% macro m() %}{% for i in range(9000) %}{{ big }}{% endfor %}{% endmacro %}{% set x = m() %}",
    "{% macro m() %}{% for i in range(9000) %}some words{% endfor %}{% endmacro %}{% set x = m() %}",
    "{{ big * 20 }}",
    "{{ huge }}",
    "{% for i in range(40000) %}x{% endfor %}",
]


@pytest.mark.parametrize("source", LOOPS)
def test_a_render_that_does_not_end_is_stopped(hasty, source):
    begun = process_time()
    kind, reason, text = hasty.failure(source, n=60)

    assert (kind, reason) == ("content", "render-limit")
    assert text.startswith("email/a.txt.jinja2:1: the render took longer than 0.05 seconds")
    assert process_time() - begun < 1


@pytest.mark.parametrize("source", BOMBS)
def test_a_render_that_grows_is_stopped_before_it_has_grown(hasty, source):
    begun = process_time()
    kind, reason, _ = hasty.failure(source, big="b" * 1000, huge="h" * 10_000_000)

    assert (kind, reason) == ("content", "render-limit")
    assert process_time() - begun < 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ '%-5s|' % x }}{{ '%05.1f' % 2.5 }}{{ '100 %' }}{{ 7 % 4 }}", "ab   |002.5100 %3"),
        ("{{ '%(a)s' % {'a': x} }}{{ '%s%s'|format(x, 1) }}{{ 'Order 1234567: %s' % x }}", "abab1Order 1234567: ab"),
        ("{{ '{:>5} {a}'.format(x, a=1) }}{{ '{a}'.format_map({'a': x}) }}", "   ab 1ab"),
        ("{{ x * 2 }}{{ 2 * 3 }}{{ 2 ** 8 }}{{ 2 ** 0.5 == 2 ** 0.5 }}{{ 1 + 1 }}{{ 1.5 * 2 }}", "abab6256True23.0"),
        ("{{ [1] * 2 }}{{ 2 * [1] }}{{ [1] + [2] }}{{ (1,) + (2,) }}", "[1, 1][1, 1][1, 2](1, 2)"),
        ("{{ [1, x]|join('-') }}{{ '-'.join(['a', 'b']) }}{{ x|join }}{{ {'k': 1}|join }}", "1-aba-babk"),
        ("{{ x|center(6) }}|{{ x.ljust(4) }}|{{ 'a\nb'|indent(2, true) }}", "  ab  |ab  |  a\n  b"),
        ("{{ x|replace('a', 'c') }}{{ x.replace('b', 'd') }}{{ x.upper() }}{{ (255).bit_length() }}", "cbadAB8"),
        ("{{ [1, 2, 3]|batch(2)|list }}{{ 2.567|round(1) }}{{ 'a b'|wordwrap(1) }}", "[[1, 2], [3]]2.6a\nb"),
        (
            "{{ {'a': [1, x]}|tojson }}{{ 'a&b'|urlencode }}{{ 'abcdef'|truncate(4, true, '.', 0) }}",
            '{"a": [1, "ab"]}a%26babc.',
        ),
        ("{{ [x]|map('upper')|join }}{{ [3, 1]|sort|join }}{{ [x]|map('replace', 'a', 'z')|first }}", "AB13zb"),
        ("{{ x[:1] }}{{ none }}", "aNone"),
        ("{{ x.encode().center(4).decode() }}", " ab "),
    ],
)
def test_what_mails_do_goes_through_every_guard(templates, source, expected):
    templates.write("email/a.txt.jinja2", source)

    assert templates.text(x="ab") == expected


def test_a_parameter_of_ten_megabytes_is_refused_and_the_next_message_goes_out(templates):
    templates.write("email/a.html.jinja2", "<p>{{ x }}</p>")

    with pytest.raises(Exception, match=r"email/a\.html\.jinja2:1: the text is longer than 5,000,000 characters"):
        templates.html(x="<" * 10_000_000)
    assert templates.html(x="small") == "<p>small</p>"


def test_text_between_the_tags_counts_as_well(hasty):
    assert hasty.failure("x" * 10_001)[2] == "email/a.txt.jinja2: the text is longer than 10,000 characters"


def test_the_time_is_for_all_formats_together(hasty):
    slow = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"
    hasty.write("email/a.html.jinja2", "fine")

    assert hasty.failure(slow)[1] == "render-limit"


def test_filler_text_is_not_offered(templates):
    assert templates.failure("{{ lipsum(n=10**9) }}")[1] == "parameter-missing"


def test_no_memory_is_a_limit_too(templates, monkeypatch):
    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr(Meter, "tick", no_memory)

    assert templates.failure("x")[1:] == ("render-limit", "email/a.txt.jinja2:1: there is not enough memory for it")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''|attr('__class__') }}",
        "{{ [''|attr('__cla' ~ 'ss__')] }}",
        "{{ ''['__class__'] }}",
        "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ ('{0.__class__}'|safe).format(1) }}",
        "{{ (['{0.__class__}']|map('format', 1)|list) and ['{0.__class__}'.format][0](1) }}",
        "{% set f = '{0.__class__}'.format %}{{ f(1) }}",
        "{{ ''.__init__.__globals__ }}",
        "{{ range.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ (1).__class__.__base__ }}",
        "{{ [1]|map(attribute='__class__')|list }}",
        "{{ [1]|groupby('__class__') }}",
        "{% macro m() %}{% endmacro %}{{ m._func.__code__ }}",
        "{{ m.__globals__ }}{% macro m() %}{% endmacro %}",
        "{{ loop.__class__ if loop else {}.__class__ }}",
        "{{ dict.mro() }}",
        "{{ (dict|attr('mro'))() }}",
        "{{ 'x'.__mul__(10**9) }}",
        "{{ ({}).setdefault('a', 1) }}",
        "{% set x = {}.__setitem__('a', 1) %}{{ x }}",
    ],
)
def test_a_template_cannot_leave_the_sandbox(templates, source):
    kind, reason, _ = templates.failure(source)

    assert kind == "content"
    assert reason in {"render-failed", "parameter-missing"}


def test_the_settings_have_sensible_defaults_and_bounds():
    settings = TemplateSettings()

    assert (str(settings.path), settings.time_limit.total_seconds(), settings.size_limit) == ("templates", 2, 5_000_000)
    for wrong in ({"time_limit": 0}, {"size_limit": 0}, {"folder": "x"}):
        with pytest.raises(ValueError, match="1 validation error"):
            TemplateSettings(**wrong)


def test_a_machine_that_was_asleep_is_not_the_messages_fault():
    meter = Meter(1000)
    meter.start(perf_counter() - 60, 2.0)
    meter.tick()

    assert "x" == meter.count("x")


def test_what_works_for_too_long_is_stopped():
    meter = Meter(1000)
    meter.start(perf_counter() - 60, 0.0)
    with pytest.raises(RenderLimit, match="longer than 0 seconds"):
        meter.tick()


def test_memory_that_somebody_may_have_taken_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    meter = Meter(1000)
    meter.start(perf_counter() + 60, 60)
    monkeypatch.setattr(limits, "_memory", lambda: 1 << 40)
    meter._watched_from = 0.0
    with pytest.raises(RenderMemory) as stopped:
        meter.tick()
    failure = failure_of(stopped.value, "email/x.txt.jinja2", {})

    assert (Kind.TRANSIENT, Reason.RENDER_LIMIT) == (failure.kind, failure.reason)
