"""The Makefile, and the installing from the lock."""

import shutil
import subprocess
import tomllib

from helpers import containers, install, traefik
from helpers.rabbitmq import ROOT

CHECKS = {"test", "test-containers", "test-rabbitmq4", "faults", "bench", "lint", "types"}
TARGETS = CHECKS | {"help", "demo", "up", "package", "install", "format", "schema", "clean"}

LOCK = """[[package]]
name = "x"
version = "{version}"
groups = ["main"]
files = [{{hash = "h"}}]
"""


def make(*arguments, folder=ROOT):
    return subprocess.run(
        ["make", "--no-print-directory", "-C", folder, *arguments], capture_output=True, text=True, check=False
    )


def test_make_alone_lists_the_targets():
    """Each with a sentence."""
    lines = [line.split(maxsplit=2) for line in make().stdout.splitlines() if line.startswith("  make ")]

    assert {line[1] for line in lines} == TARGETS
    assert all(len(line) == 3 for line in lines)


def test_a_path_with_a_space_is_no_obstacle(tmp_path):
    """No recipe names an absolute path without quoting it."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)

    assert make(folder=folder).returncode == 0
    assert str(folder) not in make("-n", "test", "demo", "up", "clean", folder=folder).stdout


def test_ci_runs_make_test_and_nothing_else():
    """What a person runs and what the machine runs are the same."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert lines[1] == "set -euo pipefail"
    assert lines[-1] == "exec make test"


def test_each_locked_package_is_pinned_with_its_hashes():
    """So that pip refuses a changed file."""
    lock = tomllib.loads((ROOT / "poetry.lock").read_text())
    groups = (install.USUAL.groups, install.BENCH.groups, traefik.GROUPS, containers.GROUPS)
    lines = [line for one in groups for line in install.requirements(lock, one).splitlines()]

    assert {line.partition("==")[0] for line in lines} == {package["name"] for package in lock["package"]}
    assert all("==" in line and "--hash=sha256:" in line for line in lines)


def test_what_the_benchmarks_compare_with_is_installed_for_them_only():
    """`make test` stays quick."""
    lock = tomllib.loads((ROOT / "poetry.lock").read_text())
    usual, bench = (install.requirements(lock, one.groups) for one in (install.USUAL, install.BENCH))

    assert "celery==" not in usual
    assert "celery==" in bench
    assert "pytest==" in usual
    assert "pytest==" not in bench


def test_a_marker_of_each_group_is_kept():
    """Where groups need a package on different machines, it is wanted on all of them."""
    package = {"name": "x", "version": "1", "groups": ["a", "b", "c"], "files": [{"hash": "h"}]}
    package["markers"] = {"a": "os == '1'", "b": "os == '2'"}

    assert install.requirement(package, frozenset("ab")) == "x==1 ; (os == '1') or (os == '2') --hash=h"
    assert install.requirement(package, frozenset("abc")) == "x==1 --hash=h"


def test_what_an_extra_asks_for_is_installed_as_well():
    """A checkout has all of it."""
    package = {"name": "x", "version": "1", "groups": ["a"], "files": [{"hash": "h"}]}
    package["markers"] = 'os == "1" and (extra == "all" or extra == "x")'
    always = 'python_version >= "3"'

    assert install.requirement(package, frozenset("a")) == f'x==1 ; os == "1" and ({always} or {always}) --hash=h'


def test_installing_again_does_nothing_until_the_lock_changes(tmp_path, monkeypatch):
    """The stamp says what was installed, and where."""
    done = []
    monkeypatch.setattr(install, "ROOT", tmp_path)
    place = install.Place(tmp_path / "venv", frozenset({"main"}))
    place.python.parent.mkdir(parents=True)
    place.python.touch()
    place.command.touch()
    monkeypatch.setattr(install, "make_venv", lambda _: done.append("venv"))
    monkeypatch.setattr(install, "install", lambda _, lines: done.append(lines))
    for version in ("1", "1", "2"):
        (tmp_path / "poetry.lock").write_text(LOCK.format(version=version))
        assert install.main(place) == 0

    assert done == ["venv", "x==1 --hash=h", "venv", "x==2 --hash=h"]
