import pytest

from dispatcher.rendering import editions, files
from dispatcher.rendering.files import Snapshot
from tests.waiting import until

GOOD = (
    "email/a.txt.jinja2",
    "base.txt.jinja2",
    "parts/foot.txt.jinja2",
    "macros/outer.txt.jinja2",
    "macros/inner.txt.jinja2",
)


@pytest.fixture
def family(templates):
    """A template with a parent, an include, and a macro that uses a macro of another file."""
    templates.write("base.txt.jinja2", "base1 {% block body %}{% endblock %}{% include 'parts/foot.txt.jinja2' %}")
    templates.write("parts/foot.txt.jinja2", " foot1")
    templates.write("macros/inner.txt.jinja2", "{% macro inner() %}inner1{% endmacro %}")
    templates.write(
        "macros/outer.txt.jinja2",
        "{% import 'macros/inner.txt.jinja2' as i %}{% macro outer() %}outer1 {{ i.inner() }}{% endmacro %}",
    )
    templates.write(
        "email/a.txt.jinja2",
        "{% extends 'base.txt.jinja2' %}{% import 'macros/outer.txt.jinja2' as o %}"
        "{% block body %}own1 {{ o.outer() }}{% endblock %}",
    )
    assert templates.text() == "base1 own1 outer1 inner1 foot1"
    return templates


@pytest.mark.parametrize("name", GOOD)
def test_an_edit_is_true_from_the_next_render_on(family, name):
    text = (family.folder / name).read_text()
    family.write(name, text.replace("1", "22"))

    assert "22" in family.text()


@pytest.mark.parametrize("name", GOOD)
def test_a_replaced_file_is_noticed_though_size_and_time_are_the_same(family, name):
    text = (family.folder / name).read_text()
    family.replace(name, text.replace("1", "2"))

    assert "2" in family.text()


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "damage", ["{% if %}", "", " \n", b"\xff\xfe", "{% extends 'nowhere' %}", "{% include missing"]
)
def test_a_broken_save_goes_on_with_the_good_version_and_says_so_once(family, name, damage):
    good = family.text()
    before = (family.folder / name).read_text()
    family.write(name, damage)

    assert [family.text(), family.text()] == [good, good]
    assert len(family.said) == 1
    assert family.said[0].startswith(name)
    assert family.said[0].endswith("; going on with the version before")

    family.write(name, before.replace("1", "3"))
    assert "3" in family.text()
    assert len(family.said) == 1


def test_another_trouble_is_said_again(family):
    family.write("base.txt.jinja2", "{% if %}")
    family.text()
    family.write("base.txt.jinja2", "\n{% for %}")
    family.text()

    assert len(family.said) == 2
    assert family.said[1].startswith("base.txt.jinja2:2: ")


def test_nobody_has_to_listen(family):
    family.renderer._editions._on_broken = None
    family.write("base.txt.jinja2", "{% if %}")

    assert family.text() == "base1 own1 outer1 inner1 foot1"


@pytest.mark.parametrize("name", GOOD[1:])
def test_a_part_that_is_deleted_counts_as_broken(family, name):
    good = family.text()
    (family.folder / name).unlink()

    assert family.text() == good
    assert f"there is no {name}" in family.said[0]


def test_a_deleted_template_is_missing_though_a_good_version_was_seen(family):
    (family.folder / "email/a.txt.jinja2").unlink()

    assert family.failure()[:2] == ("transient", "template-missing")


def test_an_added_override_is_used_and_a_removed_one_is_not(family):
    family.write("email/parts/foot.txt.jinja2", " override")
    assert family.text().endswith(" override")

    (family.folder / "email/parts/foot.txt.jinja2").unlink()
    assert family.text().endswith(" foot1")


def test_an_added_variant_and_an_added_format_are_used(family):
    family.write("email/a.de.txt.jinja2", "deutsch")
    family.write("email/a.html.jinja2", "<p>html</p>")

    assert family.text(locale="de-CH") == "deutsch"
    assert family.html() == "<p>html</p>"


def test_what_was_missing_at_first_is_used_when_it_comes(templates):
    templates.write("email/a.txt.jinja2", "{% include 'maybe' ignore missing %}.")
    assert templates.text() == "."

    templates.write("maybe", "there")
    assert templates.text() == "there."


def test_a_template_that_was_never_good_is_transient_and_names_the_line(templates):
    assert templates.failure("\n\n{% if %}") == (
        "transient",
        "template-broken",
        "email/a.txt.jinja2:3: Expected an expression, got 'end of statement block'",
    )
    assert templates.said == []

    templates.write("email/a.txt.jinja2", "fine")
    assert templates.text() == "fine"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", "email/a.txt.jinja2: is empty; where that is meant, write {# empty #}"),
        (b"caf\xe9", "email/a.txt.jinja2: is not UTF-8, at byte 3"),
        ("{{ x|nofilter }}", "email/a.txt.jinja2:1: No filter named 'nofilter'."),
        ("{% extends 'gone' %}", "email/a.txt.jinja2:1: there is no gone"),
        ("a\n{% include 'gone' %}", "email/a.txt.jinja2:2: there is no gone"),
        ("a\n{% include part %}", "email/a.txt.jinja2:2: there is no elsewhere"),
        ("{% import 'm' as m %}\n{{ m.nothing() }}", "email/a.txt.jinja2:2: what is imported has no 'nothing'"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "email/a.txt.jinja2: cannot be compiled: RecursionError"),
        ("{% if x %}" * 150 + "{% endif %}" * 150, None),
    ],
)
def test_the_fault_of_a_file_is_transient(templates, source, text):
    templates.write("m", "{% macro something() %}{% endmacro %}")

    kind, reason, said = templates.failure(source, part="elsewhere")

    assert (kind, reason) == ("transient", "template-broken")
    assert text in {None, said}


def test_a_file_that_cannot_be_read_is_said_to_be(templates, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    templates.write("email/a.txt.jinja2", "x")
    monkeypatch.setattr("pathlib.Path.read_text", refuse)

    assert templates.failure()[2] == "email/a.txt.jinja2: cannot be read: Permission denied"


def test_a_byte_order_mark_is_no_text(templates):
    templates.write("email/a.txt.jinja2", b"\xef\xbb\xbfx")

    assert templates.text() == "x"


def test_what_parameters_include_is_reloaded_and_guarded_too(templates):
    templates.write("email/a.txt.jinja2", "{% include part %}")
    templates.write("email/one", "1")
    templates.write("email/two", "2")
    assert (templates.text(part="one"), templates.text(part="two")) == ("1", "2")

    templates.write("email/one", "11")
    assert templates.text(part="one") == "11"

    templates.write("email/one", "{% if %}")
    assert templates.text(part="one") == "11"
    assert templates.said == [
        "email/one:1: Expected an expression, got 'end of statement block'; going on with the version before"
    ]

    (templates.folder / "email/one").unlink()
    assert templates.text(part="two") == "2"
    assert templates.failure(part="one")[2] == "email/a.txt.jinja2:1: there is no one"


def test_a_part_that_is_broken_from_the_start_is_found_when_it_is_included(templates):
    templates.write("email/one", "{% if %}")

    said = templates.failure("{% include part %}", part="one")

    assert said == ("transient", "template-broken", "email/one:1: Expected an expression, got 'end of statement block'")


def test_several_names_to_include_may_be_given(templates):
    templates.write("email/a.txt.jinja2", "{% include ['nowhere', 'one'] %}")
    templates.write("email/one", "1")

    assert templates.text() == "1"


def test_names_that_publishers_invent_take_no_memory(templates, monkeypatch):
    monkeypatch.setattr(files, "_MOST", 50)
    templates.write("email/a.txt.jinja2", "{% include part ignore missing %}.")
    for number in range(200):
        assert templates.text(part=f"part{number}") == "."
        templates.failure(name=f"name{number}")

    (entry,) = templates.renderer._editions._entries.values()
    assert len(entry.edition.snapshot._seen) < 110


def test_only_so_many_editions_are_kept(templates, monkeypatch):
    monkeypatch.setattr(editions, "_KEPT", 3)
    for number in range(10):
        templates.write(f"email/t{number}.txt.jinja2", str(number))
        assert templates.text(f"t{number}") == str(number)

    assert [file.path for file in templates.renderer._editions._entries] == [
        f"email/t{number}.txt.jinja2" for number in (7, 8, 9)
    ]


def test_what_lies_as_it_lay_is_not_compiled_again(family):
    (before,) = (entry.edition for entry in family.renderer._editions._entries.values())
    family.text()
    (after,) = (entry.edition for entry in family.renderer._editions._entries.values())

    assert after is before


def test_a_broken_template_is_not_compiled_again_for_each_message(templates, monkeypatch):
    templates.failure("{% if %}")
    monkeypatch.setattr(editions, "Edition", None)

    assert templates.failure()[1] == "template-broken"


def test_a_snapshot_remembers_its_first_look(tmp_path):
    snapshot = Snapshot(tmp_path)
    assert not snapshot.there("a")
    (tmp_path / "a").write_text("x")

    assert not snapshot.there("a")
    assert snapshot.changed()


def test_who_looks_seldom_uses_what_was_there_at_the_last_look(templates):
    templates.write("email/a.txt.jinja2", "before")
    templates.renderer = templates.renderer_of(look_every=60)
    first = templates.text()
    templates.replace("email/a.txt.jinja2", "behind")

    assert (first, templates.text()) == ("before", "before")


async def test_who_looks_seldom_looks_again_after_that_time(templates):
    templates.write("email/a.txt.jinja2", "before")
    templates.renderer = templates.renderer_of(look_every=0.05)
    first = templates.text()
    templates.replace("email/a.txt.jinja2", "behind")
    await until(lambda: templates.text() == "behind")

    assert first == "before"


def test_who_looks_seldom_looks_at_once_at_what_is_missing_or_broken(templates):
    templates.renderer = templates.renderer_of(look_every=60)
    missing = templates.failure()
    broken = templates.failure("{% if %}")
    templates.write("email/a.txt.jinja2", "mended")

    assert (missing[1], broken[1], templates.text()) == ("template-missing", "template-broken", "mended")
