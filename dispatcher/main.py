"""The front door: `python3 dispatcher/main.py`, from any folder.

Started like that, Python puts this folder itself first on its path: a module of ours could then hide one of the
standard library, and each would be loaded twice under two names. So that entry gives way to the repository's root,
before anything of ours is imported.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LEAD = "--lead"
"""What makes a process the lead of several: no argument of a person's, and not known to the command line."""


def mend_path() -> None:
    """Let `import dispatcher` mean this package, and nothing in it be found without that name."""
    if sys.path and Path(sys.path[0] or ".").resolve() == HERE:
        sys.path[0] = str(HERE.parent)


def main() -> None:
    """Run the command line, or what is no command of a person's: the lead of several processes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us: what nobody reads goes nowhere
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    try:
        if sys.argv[1:2] == [LEAD]:
            from dispatcher.cli.lead import run  # noqa: PLC0415 - after the path is mended
        else:
            from dispatcher.cli.app import run  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "dispatcher":
            raise
        sys.exit(_libraries_missing(error.name))
    run()


def _end(number: int, _frame: Any) -> None:
    """End as any other process would.

    Process 1 of a container gets no signal that it has no handler for (pid_namespaces(7)). This one counts until the
    daemon has its own, and for commands that have none.
    """
    sys.exit(128 + number)


def _libraries_missing(name: str | None) -> str | int:
    root = HERE.parent
    advice = f"run 'make install' in {root}, then '.venv/bin/python dispatcher/main.py'"
    if not (root / "Makefile").exists():  # it was installed as a package
        advice = f"run '{sys.executable} -m pip install --force-reinstall dispatcher'"
    sys.stderr.write(f"Dispatcher's libraries are not installed for {sys.executable} ({name} is missing); {advice}.\n")
    return 2


if __name__ == "__main__":
    mend_path()
    main()
