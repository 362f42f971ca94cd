"""Build the package into `dist/`, install it into an empty environment as a user of pip would, and try it there.

    python3 helpers/package.py      run by `.venv/bin/python`, which has what builds

The libraries come with their own dependencies, as the package asks for them, in the versions of `poetry.lock`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
VENV = ROOT / ".run" / "package" / "venv"
BUILD = "import sys; from poetry.core.masonry import api; print(getattr(api, sys.argv[1])(sys.argv[2]))"


def main() -> int:
    """Do all of it; what goes wrong is shown by whatever it went wrong in."""
    try:
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        build("sdist")
        wheel = build("wheel")
        try_out(wheel)
    except subprocess.CalledProcessError as error:
        print(f"The package failed at: {' '.join(map(str, error.cmd[:5]))} …; see the lines above.", file=sys.stderr)
        return 2
    print(f"Built {wheel.relative_to(ROOT)} and its source archive; it runs in {VENV.relative_to(ROOT)}.")
    return 0


def build(what: str, source: Path = ROOT, into: Path = DIST) -> Path:
    """Build a `wheel` or an `sdist` of a source folder, as pip and `poetry build` do (PEP 517); give the file."""
    command = [sys.executable, "-c", BUILD, f"build_{what}", str(into)]
    done = subprocess.run(command, cwd=source, check=True, stdout=subprocess.PIPE, text=True)
    return into / done.stdout.split()[-1]


def try_out(wheel: Path) -> None:
    """Install it with all extras, and start it from a folder that has nothing to do with it."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    versions = VENV / "versions.txt"
    packages = tomllib.loads((ROOT / "poetry.lock").read_text())["package"]
    versions.write_text("".join(f"{package['name']}=={package['version']}\n" for package in packages))
    pip = [VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-qq"]
    subprocess.run([*pip, "install", "--constraint", versions, f"{wheel}[all]"], check=True)
    subprocess.run([*pip, "check"], check=True)
    for command in (["--version"], ["schema", "email"], ["permissions"]):
        subprocess.run([VENV / "bin" / "dispatcher", *command], cwd=VENV, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
