"""Templates and parameters made to hurt, each in a process of its own: none takes long, and none takes the memory."""

import json
import subprocess
import sys

import pytest

MOST_SECONDS = 2 * 2 + 1
"""Twice the time limit and one second."""

MOST_MEBIBYTES = 600

PROGRAM = """
import json, os, resource, signal, sys
from pathlib import Path
from time import process_time

from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def attack(name, made):
    signal.alarm(20)
    renderer = Renderer(TemplateSettings(path=Path(sys.argv[1])), "email", {"txt": Dialect.PLAIN})
    parameters = {"big": eval(made)}
    before, begun = memory(), process_time()
    try:
        renderer.render(name, parameters)
        reason = "rendered"
    except Failure as failure:
        reason = failure.reason
    print(json.dumps([name, reason, process_time() - begun, (memory() - before) / 1024]), flush=True)

for name, made in json.loads(sys.argv[2]).items():
    # Each in a process of its own, since what memory a process has held at most does not become less.
    child = os.fork()
    if not child:
        attack(name, made)
        os._exit(0)
    os.waitpid(child, 0)
"""

DEEP = (
    "{% set ns = namespace(x=(), y=()) %}{% for i in range(60) %}"
    "{% set ns.x = (ns.x, ns.x) %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}"
)
HELD = "{% set ns = namespace(x=[]) %}{% for i in range(90000) %}{% set ns.x = [ns.x, MADE] %}{% endfor %}"
NUMBERS = "{% set n = (1).from_bytes(big.encode(), 'big') %}{% set m = (1).from_bytes(big[:900000].encode(), 'big') %}"

STOPPED = {
    "sorted text": ("{{ big|sort|length }}", "'ab' * 5_000_000"),
    "sorted list": ("{{ big|sort|length }}", "[str(i * 7919 % 1000003) for i in range(300_000)]"),
    "sorted again and again": ("{{ ([big] * 4900)|map('sort')|map('length')|list }}", "'ba' * 500_000"),
    "sorted large": ("{{ ([big] * 1000)|sort(case_sensitive=false)|length }}", "'A' * 400_000"),
    "unique": ("{{ big|unique|list|length }}", "[str(i) for i in range(300_000)]"),
    "grouped": ("{{ big|groupby(0)|length }}", "[[i] for i in range(300_000)]"),
    "the largest": ("{{ big|max }}", "list(range(300_000))"),
    "wrapped word": ("{{ big|wordwrap(79)|length }}", "'x' * 4_900_000"),
    "a wrapped word of its own": ("{{ big|wordwrap(79)|length }}", "'x' * 400_000"),
    "sum of lists": ("{{ ([big] * 9000)|sum(start=[])|length }}", "[1] * 1000"),
    "lazy maps": ("{{ (range(99999)|list * 40)|map('string')|list|length }}{{ 'x' * 9999 }}" * 9, "0"),
    "lazy search": ("{{ range(99999)|select('in', big)|list|length }}", "['a'] * 100_000"),
    "lazy and empty": ("{{ (range(99998)|select('even')|list * 49)|reject('even')|list|length }}" * 9, "0"),
    "many widths": ("{{ (['x'] * 99999)|map('center', 9999)|list|length }}", "0"),
    "many copies": ("{{ ([big] * 4900)|map('upper')|list|length }}", "'b' * 1_500_000"),
    "held texts": (HELD.replace("MADE", "big ~ i"), "'x' * 4_000_000"),
    "held methods": (HELD.replace("MADE", "big.upper()"), "'x' * 4_900_000"),
    "held slices": (HELD.replace("MADE", "big[1:]"), "'x' * 4_900_000"),
    "held ranges": (HELD.replace("MADE", "range(99999)|list"), "0"),
    "format": ("{{ ('{0}' * 100000).format(big) }}", "'a' * 4000"),
    "format of an item": ("{{ ('{0[0]}' * 100000).format([big]) }}", "'a' * 4000"),
    "format of a map": ("{{ ('{a}' * 100000).format_map({'a': big}) }}", "'a' * 4000"),
    "safe format": ("{{ (('{0}' * 100000)|safe).format(big) }}", "'a' * 4000"),
    "division": (NUMBERS + "{{ n // m > 0 }}", "'x' * 2_000_000"),
    "remainder": (NUMBERS + "{{ n % m > 0 }}", "'x' * 2_000_000"),
    "fraction": (NUMBERS + "{{ n / m > 0 }}", "'x' * 2_000_000"),
    "punycode": ("{{ big.encode('punycode')|length }}", "''.join(chr(0x4e00 + i) for i in range(20_000)) * 5"),
    "names of characters": ("{{ big.encode('ascii', 'namereplace')|length }}", "'\\ufdfa' * 4_000_000"),
    "stripped": ("{{ big.strip('ab' * 9000) }}", "'b' * 100"),
    "trimmed": ("{{ big|trim('ab' * 9000) }}", "'b' * 100"),
    "compared": (DEEP + "{{ ns.x == ns.y }}{{ [ns.x] in [ns.y] }}", "0"),
    "looked up": (DEEP + "{{ {ns.x: 1}|length }}", "0"),
    "in capitals": (DEEP + "{{ ns.x|upper }}", "0"),
    "objects": (DEEP.replace("(ns.x, ns.x)", "{'a': ns.x, 'b': ns.x}") + "{{ ns.x|trim }}", "0"),
    "objects by call": (DEEP.replace("(ns.x, ns.x)", "dict(a=ns.x, b=ns.x)") + "{{ ns.x|lower }}", "0"),
}

BORNE = {
    "links": ("{{ big|urlize|length }}", "'http://a.b ' * 300_000"),
    "brackets": ("{{ big|urlize|length }}", "('(' * 2000 + 'a' + ')' * 2000 + ' ') * 500"),
    "at signs": ("{{ big|urlize|length }}", "'a@' * 200_000"),
    "open tags": ("{{ big|striptags|length }}", "'<' * 400_000"),
    "open comments": ("{{ big|striptags|length }}", "'<!--' * 200_000"),
    "printed": ("{{ big|pprint|length }}", "{str(i): [i] * 5 for i in range(30_000)}"),
    "words": ("{{ big|title|length }}{{ big|wordcount }}", "'a b ' * 400_000"),
    "wrapped": ("{{ big|wordwrap(5)|length }}", "'a b ' * 120_000"),
    "wrapped at once": ("{{ big|wordwrap(1)|length }}", "'x' * 90_000"),
    "sorted": ("{{ big|sort|length }}{{ big|unique|list|length }}", "[str(i) for i in range(100_000)]"),
    "a number of many digits": ("{{ big|int }}{{ big|float }}", "'9' * 4_900_000"),
    "attributes": ("{{ big|xmlattr|length }}", "{f'k{i}': 'v' for i in range(100_000)}"),
    "nothing found": ("{{ big.find('a' * 2000 ~ 'b') }}", "'a' * 4_000_000"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, float]]:
    """How each ended: the reason, and what it took in seconds and mebibytes."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "email").mkdir()
    made, wanted = {}, {}
    for at, (name, (source, parameter)) in enumerate((STOPPED | BORNE).items()):
        (folder / "email" / f"t{at}.txt.jinja2").write_text(source)
        made[f"t{at}"], wanted[f"t{at}"] = parameter, name
    arguments = [sys.executable, "-c", PROGRAM, str(folder), json.dumps(made)]
    said = subprocess.run(arguments, capture_output=True, check=True, timeout=300).stdout.decode()
    return {wanted[name]: (reason, took, grew) for name, reason, took, grew in map(json.loads, said.splitlines())}


@pytest.mark.parametrize("name", STOPPED)
def test_a_bomb_is_stopped_in_time_and_before_it_takes_the_memory(ended, name: str):
    reason, seconds, mebibytes = ended[name]

    assert "render-limit" == reason
    assert seconds < MOST_SECONDS
    assert mebibytes < MOST_MEBIBYTES


@pytest.mark.parametrize("name", BORNE)
def test_what_only_works_hard_is_over_in_time(ended, name: str):
    reason, seconds, mebibytes = ended[name]

    assert reason in {"rendered", "render-limit"}
    assert seconds < MOST_SECONDS
    assert mebibytes < MOST_MEBIBYTES


AGAIN = """
import json, sys
from pathlib import Path

from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

renderer = Renderer(TemplateSettings(path=Path(sys.argv[1])), "email", {"txt": Dialect.PLAIN})
parameters = {"big": "ab" * 2_000_000}
before = memory()
for _ in range(5):
    try:
        renderer.render("holds", parameters)
    except Failure as failure:
        reason = failure.reason
    print(json.dumps([reason, memory() - before]))
"""


def test_what_took_memory_gives_it_back_however_often_it_is_tried(tmp_path):
    file = tmp_path / "email" / "holds.txt.jinja2"
    file.parent.mkdir()
    file.write_text(HELD.replace("MADE", "big[1:]"))
    ended = subprocess.run(
        [sys.executable, "-c", AGAIN, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    tries = [json.loads(line) for line in ended.stdout.splitlines()]

    assert ["render-limit"] * 5 == [reason for reason, _ in tries]
    assert all(held < 100 for _, held in tries), tries
