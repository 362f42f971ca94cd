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


def main() -> int:
    """Do all of it; what goes wrong is shown by whatever it went wrong in."""
    try:
        wheel = build()
        try_out(wheel)
    except subprocess.CalledProcessError as error:
        print(f"The package failed at: {' '.join(map(str, error.cmd[:5]))} …; see the lines above.", file=sys.stderr)
        return 2
    print(f"Built {wheel.relative_to(ROOT)} and its source archive; it runs in {VENV.relative_to(ROOT)}.")
    return 0


def build() -> Path:
    """Build source archive and wheel, as `poetry build` does; give the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    for what in ("sdist", "wheel"):
        code = f"from poetry.core.masonry.api import build_{what}; build_{what}({str(DIST)!r})"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return next(DIST.glob("*.whl"))


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
