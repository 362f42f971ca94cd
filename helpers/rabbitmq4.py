"""Get a newer RabbitMQ than this machine's Debian has: that of another suite of Debian, unpacked in a folder.

    python3 helpers/rabbitmq4.py trixie      into .run/rabbitmq4/trixie, where it is not there yet
    RABBITMQ_ROOT=.run/rabbitmq4/trixie …    what starts nodes (helpers/node_programs.py) takes them from there

It comes with all that it needs, Erlang and the C library included (helpers/suites.py).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.node_programs import SCRIPT, VARIABLE  # noqa: E402 - found only after the line above, when run as a script
from helpers.suites import NotToBeHad, unpack  # noqa: E402

PLACE = ROOT / ".run" / "rabbitmq4"
DEFAULT = "trixie"
"""The suite with the newest RabbitMQ that Debian keeps; `sid` has what comes."""

PACKAGES = ("rabbitmq-server", "coreutils", "dash", "findutils", "grep", "libc-bin", "mawk", "sed")
"""The broker, and what its scripts call without saying so: Debian takes that for given."""


def get(suite: str) -> Path:
    """Give the folder of a suite's RabbitMQ; get it first where it is missing.

    Raises:
        NotToBeHad: no apt, no archive, no network, or no such suite.

    """
    root = PLACE / suite
    if (root / SCRIPT).is_file():
        return root
    if shutil.which("apt-get") is None or shutil.which("unshare") is None:
        raise NotToBeHad("A RabbitMQ of another suite needs Debian's apt-get, and unshare of util-linux.")
    print(f"Getting the RabbitMQ of Debian's {suite}", file=sys.stderr, flush=True)
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{suite}.", dir=PLACE) as work:
        unpack(suite, PACKAGES, Path(work)).replace(root)
    return root


def main(arguments: list[str]) -> int:
    """Get it; an error is a sentence."""
    try:
        root = get(arguments[0] if arguments else DEFAULT)
    except NotToBeHad as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{VARIABLE}={root}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
