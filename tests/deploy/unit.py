"""A unit of systemd, read as systemd reads it, as far as the tests go: no continued lines, no drop-ins."""

import shlex
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "systemd"
UNIT = FOLDER / "dispatcher.service"

PROGRAM = "/opt/dispatcher/venv/bin/dispatcher"
CONFIGURATION = "/etc/dispatcher"


class Unit:
    """What a unit says.

    Attributes:
        said: the values of each directive, in their order.

    """

    def __init__(self, path: Path = UNIT) -> None:
        self.said: dict[str, list[str]] = defaultdict(list)
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and line[0] not in "#[":
                name, _, value = line.partition("=")
                self.said[name].append(value)

    def __getitem__(self, name: str) -> str:
        """Give the one value of a directive that stands there once."""
        (value,) = self.said[name]
        return value

    def environment(self, moved: dict[str, str], credentials: Path, state: Path) -> dict[str, str]:
        """Give the environment that systemd makes of the unit, with paths moved, and nothing else."""
        given = {"CREDENTIALS_DIRECTORY": str(credentials), "STATE_DIRECTORY": str(state), "PATH": "/usr/bin:/bin"}
        for line in self.said["Environment"]:
            for assignment in shlex.split(line):
                name, _, value = assignment.partition("=")
                given[name] = _move(value.replace("%d", str(credentials)), moved)
        return given

    def load_credentials(self, into: Path, moved: dict[str, str]) -> None:
        """Copy the secrets, as systemd does before a start: SetCredential= stands in for a file that is not there."""
        into.mkdir(mode=0o700)
        defaults = dict(line.split(":", 1) for line in self.said["SetCredential"])
        for line in self.said["LoadCredential"]:
            name, path = line.split(":", 1)
            file = Path(_move(path, moved))
            content = file.read_bytes() if file.exists() else defaults[name].encode().decode("unicode_escape").encode()
            (into / name).write_bytes(content)


def _move(text: str, moved: dict[str, str]) -> str:
    for there, here in moved.items():
        text = text.replace(there, here)
    return text
