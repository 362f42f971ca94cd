"""Ask a page whether it is well: for HEALTHCHECK, in an image without curl.

    python health.py                        Dispatcher's, whichever port it is told by the environment
    python health.py 8025 /api/messages     another one

It asks this machine directly, whatever proxy the environment names. Exit code 0 means 200, and 1 anything else.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT = 4.0
"""Seconds: the image's own limit comes after it."""


def main(port: str = "", path: str = "/health") -> int:
    """Ask."""
    connection = HTTPConnection("127.0.0.1", int(port or os.environ.get("DISPATCHER_SERVICE__HEALTH__PORT", "8070")))
    connection.timeout = TIMEOUT
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
    except (OSError, HTTPException) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return int(answer.status != 200)  # noqa: PLR2004 - as HTTP has it


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
