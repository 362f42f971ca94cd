"""What still runs of a program that should be gone, found by a path in its command line or environment."""

from pathlib import Path

from helpers import processes


def left_behind(path) -> list[str]:
    """The command lines of processes that have to do with a folder."""
    return [line for entry in Path("/proc").glob("[0-9]*") if (line := _belongs(entry, str(path).encode()))]


def nothing_left(path) -> bool:
    """Whether all of them are gone within a few seconds."""
    return processes.await_that(lambda: not left_behind(path), 5)


def _belongs(entry: Path, path: bytes) -> str:
    try:
        command = (entry / "cmdline").read_bytes()
        about = command + (entry / "environ").read_bytes() + bytes((entry / "cwd").readlink())
    except OSError:  # gone meanwhile, or not ours to look at
        return ""
    return command.decode(errors="replace") if path in about else ""
