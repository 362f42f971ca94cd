"""The engine of the tests leaves this machine as it was."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy.engine import Engine

pytestmark = pytest.mark.engine


def test_nothing_is_left_behind_where_a_test_fails(tmp_path: Path):
    """Neither a mount nor a file."""
    (tmp_path / "empty").mkdir()
    archive = str(tmp_path / "empty.tar")
    subprocess.run(["tar", "-C", tmp_path / "empty", "-cf", archive, "."], check=True)
    try:
        with Engine() as engine:
            container = engine.podman("create", engine.podman("import", archive).strip(), "nothing").strip()
            mounted = engine.podman("mount", container).strip()
            raise ZeroDivisionError  # noqa: TRY301 - the test that fails
    except ZeroDivisionError:
        pass

    assert Path(mounted).is_relative_to(engine.folder)
    assert str(engine.folder) not in Path("/proc/self/mounts").read_text()
    assert not engine.folder.exists()
