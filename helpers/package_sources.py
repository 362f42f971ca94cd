"""Where apt and pip fetch from on this machine, so that those in a root (helpers/bare_debian.py) do the same."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

PIP_FOLDERS = "etc/pip-folders"
"""A file in the root: the folders out here that its pip needs, one a line."""


def apt_settings() -> str:
    """Give how apt fetches out here: through which proxy, with which certificates, without what."""
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    return "".join(f"{line}\n" for line in dumped.splitlines() if line.startswith("Acquire::"))


def debian(suite: str) -> list[str]:
    """Give lines for `sources.list`: where Debian's packages of a suite come from out here."""
    asked = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI) $(ORIGIN)", "Created-By: Packages"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    found = {tuple(line.split()) for line in listed.splitlines() if line.startswith(suite)}
    # Whether it is Debian's own is only known once apt has looked.
    return [f"deb {place} {release} main" for release, place, *origin in sorted(found) if origin in ([], ["Debian"])]


def _pip_settings() -> dict[str, str]:
    """Give what pip is told out here, by its files and by the environment, which wins."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    lines = sorted(listed.splitlines(), reverse=True)  # the environment, `:env:`, comes last
    pairs = (line.partition("=") for line in lines)
    return {name.rpartition(".")[2]: ast.literal_eval(value) for name, _, value in pairs}


def tell_pip(root: Path) -> None:
    """Tell the pip in a root what the one out here is told: files that are named are copied, folders are noted."""
    settings = _pip_settings()
    folders = set()
    for name, value in settings.items():
        for word in value.split():
            local = word.startswith("file:")
            place = Path(unquote(urlsplit(word).path) if local else word)
            if place.is_absolute() and place.is_dir():
                folders.add(place.parent if local else place)  # an index names files that lie beside it
            elif place.is_absolute() and place.is_file():
                shutil.copy(place, root / "etc" / f"pip-{place.name}")
                settings[name] = settings[name].replace(word, f"/etc/pip-{place.name}")
    lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items())]
    write(root / "etc/pip.conf", "\n".join(lines) + "\n")
    write(root / PIP_FOLDERS, "".join(f"{place}\n" for place in sorted(folders)))


def pip_folders(root: Path) -> list[str]:
    """Give the folders out here that have to be seen in a root, at the same place."""
    return (root / PIP_FOLDERS).read_text().splitlines()


def write(file: Path, text: str) -> None:
    """Write a file, its folder included."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
