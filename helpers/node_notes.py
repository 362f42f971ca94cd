"""What every program has to know about a private node: its name, its ports, and the processes that run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from helpers.processes import Identity

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen


class Notes:
    """The file `node.json` in the folder of a node."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "node.json"

    @property
    def name(self) -> str | None:
        """The name it had when it ran last."""
        return self._read().get("name")

    @property
    def ports(self) -> dict[str, int]:
        """The ports it had when it ran last."""
        return self._read().get("ports", {})

    def running(self) -> dict[str, Identity]:
        """Give those of the noted processes that run, and are still the same."""
        noted = self._read().get("processes", {})
        identities = {name: Identity(*identity) for name, identity in noted.items()}
        return {name: identity for name, identity in identities.items() if identity.runs()}

    def write(self, name: str, ports: dict[str, int], children: dict[str, Popen | None]) -> None:
        """Note what is so now; not where the folder was deleted meanwhile."""
        if not self._path.parent.exists():
            return
        running = {what: Identity.of(child.pid) for what, child in children.items() if child is not None}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"name": name, "ports": ports, "processes": running}))
        fresh.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            return json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
