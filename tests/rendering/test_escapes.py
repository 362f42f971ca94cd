"""Ways out of the sandbox that are known from elsewhere: none leads out, none tells anything."""

import pytest

from dispatcher.words.errors import Failure

SECRET = "what only the machine knows"

PARAMETERS = {
    "a": 1,
    "l": [1],
    "d": {"k": "v"},
    "s": "text",
    "dunder": "__class__",
    "evil": "{0.__class__}",
    "__class__": "a parameter",
    "environment": "a parameter",
    "range": "a parameter",
    "self": "a parameter",
}

ESCAPES = [
    "{{ ''['__cl' + 'ass__'] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''['\\u005f_class__']['__mro__'] }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''|attr(['__class__']|first) }}",
    "{{ ''[dunder] }}",
    "{{ ''|attr(dunder) }}",
    "{{ ''|attr('__cl%s__'|format('ass')) }}",
    "{{ ''['__ssalc__'|reverse] }}",
    "{{ ''['__CLASS__'|lower] }}",
    "{{ ()|attr('__class__')|attr('__base__')|attr('__subclasses__')() }}",
    "{{ [''.__class__]|map('attr', '__mro__')|list }}",
    "{{ ['']|map(attribute='__class__')|list }}",
    "{{ ['']|map(attribute='__class__.__mro__')|list }}",
    "{{ ['']|map('attr', '__class__')|list }}",
    "{{ ['']|selectattr('__class__')|list }}",
    "{{ ['']|rejectattr('__nothing__')|map(attribute='__doc__')|list }}",
    "{{ ['']|groupby('__class__')|list }}",
    "{{ ['']|sort(attribute='__class__')|list }}",
    "{{ ['']|unique(attribute='__class__')|list }}",
    "{{ ['']|min(attribute='__class__') }}",
    "{{ [1]|sum(attribute='__class__') }}",
    "{{ ['a']|join(attribute='__class__') }}",
    "{{ evil.format(s) }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(s) }}",
    "{{ '{0[__class__]}'.format(d) }}",
    "{{ '{k.__class__}'.format_map(d) }}",
    "{{ ('{0.__class__}'|attr('format'))(s) }}",
    "{{ ('{0.__class__}'|attr('format_map'))({'0': s}) }}",
    "{{ ['{0.__class__}']|map('attr', 'format')|first }}{{ (['{0.__class__}']|map('attr', 'format')|first)(s) }}",
    "{{ (['{k.__class__}']|map(attribute='format_map')|first)(d) }}",
    "{% set f = '{0.__class__}'['format'] %}{{ f(s) }}",
    "{% macro m(f) %}{{ f(1) }}{% endmacro %}{{ m('{0.__class__}'.format) }}",
    "{{ dict(f='{0.__class__}'.format).f(1) }}",
    "{{ namespace(f='{0.__class__}'.format).f(1) }}",
    "{% for f in ['{0.__class__}'.format] %}{{ f(1) }}{% endfor %}",
    "{{ '%(a.__class__)s' % d }}",
    "{{ ('{0.__class__}'|safe).format(s) }}",
    "{{ ('{0.__class__}'|escape).format(s) }}",
    "{{ (s|safe).__html_format__('') }}",
    "{{ (s|safe)._escape_argspec }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler('a').__init__.__globals__.os }}",
    "{{ joiner().__init__.__globals__.os }}",
    "{{ namespace().__init__.__globals__ }}",
    "{{ namespace()._Namespace__attrs }}",
    "{{ namespace().__getattribute__('x') }}",
    "{{ dict.__base__ }}",
    "{{ lipsum.__globals__ }}",
    "{% block b %}{{ super.__class__ }}{% endblock %}",
    "{{ caller.__globals__ }}",
    "{% macro m() %}{{ caller._func.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m() %}{{ caller._environment }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m() %}{{ varargs.__class__ }}{{ kwargs.__class__ }}{% endmacro %}{{ m(1, x=1) }}",
    "{% macro m() %}{% endmacro %}{{ m.__call__.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._environment.globals }}",
    "{% macro m() %}{% endmacro %}{{ m._invoke.__globals__ }}",
    "{% import 'm.jinja2' as m %}{{ m.m.__globals__ }}",
    "{% import 'm.jinja2' as m %}{{ m._body_stream }}",
    "{% import 'm.jinja2' as m %}{{ m.__class__ }}",
    "{% import 'm.jinja2' as m %}{{ m.__dict__ }}",
    "{% from 'm.jinja2' import m %}{{ m._func.__code__ }}",
    "{% from 'm.jinja2' import __name__ as n %}{{ n }}",
    "{% for x in l %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in l %}{{ loop._iterator.__reduce__() }}{% endfor %}",
    "{% for x in l %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for x in l recursive %}{{ loop._recurse.__globals__ }}{% endfor %}",
    "{{ (l|map('upper')).gi_frame }}",
    "{{ (l|map('upper')).gi_frame.f_back.f_globals }}",
    "{{ (l|map('upper')).gi_code }}",
    "{{ (l|map('upper'))|attr('gi_frame') }}",
    "{{ [l|map('upper')]|map(attribute='gi_frame')|list }}",
    "{{ [l|map('upper')]|map(attribute='gi_frame.f_back')|list }}",
    "{{ (l|select).gi_yieldfrom }}",
    "{{ s.cr_frame }}",
    "{{ s.ag_frame }}",
    "{{ s.tb_frame }}",
    "{{ s.f_back }}",
    "{{ s.__reduce_ex__(2) }}",
    "{{ s.format.__self__ }}",
    "{{ s.upper.__self__.__class__ }}",
    "{{ s.upper.__func__ }}",
    "{{ (1).real.__class__ }}",
    "{{ (1).from_bytes.__self__ }}",
    "{{ d.fromkeys.__self__ }}",
    "{{ {}.__class__.__base__.__subclasses__() }}",
    "{{ d.keys().mapping.__class__ }}",
    "{{ d.pop('k') }}",
    "{{ d.update(x=1) }}",
    "{{ d.clear() }}",
    "{{ l.append(2) }}",
    "{{ l.__iadd__([1]) }}",
    "{{ (l|attr('append'))(2) }}",
    "{{ [l]|map('attr', 'append')|list }}{{ ([l]|map('attr', 'append')|first)(2) }}",
    "{{ ([l]|map(attribute='append')|first)(2) }}",
    "{{ l['append'](2) }}",
    "{% set d.k = 1 %}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ environment }}",
    "{{ environment.meter }}",
    "{{ context.environment }}",
    "{{ resolve('x') }}",
    "{{ undefined }}",
    "{{ Undefined }}",
    "{{ nothing.__class__ }}",
    "{{ nothing._fail_with_undefined_error() }}",
    "{{ nothing|attr('__init__') }}",
    "{{ nothing._undefined_exception }}",
    "{{ d.nothing._undefined_obj }}",
    "{{ __builtins__ }}",
    "{{ __import__('os') }}",
    "{{ eval('1') }}",
    "{{ open('/etc/passwd').read() }}",
    "{{ globals() }}",
    "{{ l_1_x }}{{ l_0_a }}",
    "{{ t_1 }}{{ cond_expr_undefined }}",
    "{% include '../secret.txt' %}",
    "{% include '../../outside.txt' %}",
    "{% include '/etc/passwd' %}",
    "{% include 'email/../../outside.txt' %}",
    "{% include '..\\\\secret.txt' %}",
    "{% include 'm.jinja2\\0' %}",
    "{% include './m.jinja2/../../secret.txt' %}",
    "{% extends '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{% from '../../outside.txt' import x %}",
    "{% include ['../secret.txt', '/etc/passwd'] %}",
    "{% include s.__class__ %}",
    "{% include l %}",
    "{% debug %}",
    "{% do l.append(1) %}",
    "{% trans %}x{% endtrans %}",
    "{{ _('x') }}",
    "{{ gettext('x') }}",
    "{{ a.__add__(1) }}",
    "{{ ''.join.__class__ }}",
    "{{ a is filter('x') }}{{ [a]|map('__class__')|list }}",
    "{{ [a]|select('__class__')|list }}",
    "{{ s|e|attr('unescape') and (s|e).__class__ }}",
    "{{ cycler('__class__').next.__func__.__globals__ }}",
    "{{ cycler.next.__globals__ }}",
    "{{ cycler.current.fget }}",
    "{{ joiner.__call__.__globals__ }}",
    "{{ namespace.__class__ }}",
    "{{ namespace.mro() }}",
    "{{ cycler.mro() }}",
    "{{ dict.__subclasses__() }}",
    "{{ (dict.fromkeys)(['__class__']).__class__ }}",
    "{{ 'a'.maketrans.__self__ }}",
    "{{ 'a'.encode().fromhex.__self__ }}",
]

REASONS = {"render-failed", "template-broken", "parameter-missing", "template-missing", "render-limit"}

HARMLESS = {"", "[]", "['']", "None", "a parameter"}
"""What may be printed: a filter that compares may look at anything, and an expression may give nothing."""


@pytest.fixture
def fortress(templates):
    """A folder with a macro in it, a file that is no template, and one outside."""
    templates.write("email/m.jinja2", "{% macro m() %}x{% endmacro %}")
    templates.write("secret.txt", SECRET)
    templates.write("../outside.txt", SECRET)
    return templates


def attack(fortress, source):
    fortress.write("email/a.txt.jinja2", source)
    try:
        return None, fortress.renderer.render("a", PARAMETERS).texts["txt"]
    except Failure as failure:
        return str(failure.reason), failure.text


@pytest.mark.parametrize("source", ESCAPES)
def test_no_known_way_leads_out_of_the_sandbox(fortress, source):
    reason, text = attack(fortress, source)

    assert reason in REASONS or text.strip() in HARMLESS
    assert SECRET not in text
    assert "<class" not in text
    assert " at 0x" not in text


def test_a_parameter_may_have_the_name_of_anything_and_stays_text(fortress):
    source = "{{ environment }}{{ __class__ }}{{ range }}"

    assert (None, "a parameter" * 3) == attack(fortress, source)


def test_parameters_are_never_templates(fortress):
    assert (None, "{{ 7 * 7 }}{% include 'm.jinja2' %}") == attack(
        fortress, "{{ '{{ 7 * 7 }}' }}{{ \"{% include 'm.jinja2' %}\" }}"
    )
