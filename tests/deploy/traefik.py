"""Traefik itself, as a process, with the files of traefik/ and whatever a test has changed in them.

What the machine gives is replaced, and nothing else: the ports, `/etc/traefik`, and where the pages are.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from helpers import processes
from helpers.ports import free_ports
from helpers.traefik import TRAEFIK

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = ROOT / "traefik"
ETC = "/etc/traefik"
NOWHERE = "http://127.0.0.1:1"

Files = dict[str, dict[str, Any]]

USERS = "ada:$2b$04$aQ.cK9NSM2s7bYKDwKTMZeQU8WQP8PKeaXpnjRiwgM5m/XJ98r7P2\n"
LOGIN = ("ada", "correct horse battery staple")
"""Who may see the page of the daemon, and the same with the password."""


def shipped(*names: str) -> Files:
    """Read files of traefik/; without names those that every machine has."""
    wanted = names or ("traefik.yml", "routes.yml", "middlewares.yml")
    return {name: yaml.safe_load((SHIPPED / name).read_text()) for name in wanted}


class Traefik:
    """One Traefik on ports of its own; a context manager that ends it.

    Args:
        folder: what is `/etc/traefik` elsewhere.
        files: what it is to read, by name: `traefik.yml` at its start, the others from `dynamic/`.
        pages: the addresses of the pages, by the names of the services in `routes.yml`; others lead nowhere, whatever
            runs at the usual ports.
        users: the content of the file of users; `None` for no file.

    Attributes:
        web, websecure, ping: its ports.

    """

    def __init__(
        self,
        folder: Path,
        files: Files,
        pages: Mapping[str, str] | None = None,
        *,
        users: str | None = USERS,
    ) -> None:
        self._folder = folder
        self._output = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(timeout=20, verify=False)  # one for all: only plain HTTP is asked for
        ports = free_ports(["web", "websecure", "ping"])
        self.web, self.websecure, self.ping = ports.values()
        (folder / "dynamic").mkdir(parents=True)
        if users is not None:
            (folder / "users").write_text(users)
        for name, port in ports.items():
            files["traefik.yml"]["entryPoints"][name]["address"] = f"127.0.0.1:{port}"
        for name, service in files["routes.yml"]["http"]["services"].items():
            service["loadBalancer"]["servers"] = [{"url": (pages or {}).get(name, NOWHERE)}]
        for name, content in files.items():
            self.put(name, content)

    def put(self, name: str, content: dict[str, Any]) -> None:
        """Write a file where it looks for it; the dynamic ones count at once."""
        text = yaml.safe_dump(content).replace(ETC, str(self._folder))
        (self._folder / name if name == "traefik.yml" else self._folder / "dynamic" / name).write_text(text)

    def start(self, **environment: str) -> int | None:
        """Start it and wait until it answers a ping, or has ended; give its exit code, if it has one."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [TRAEFIK, f"--configFile={self._folder / 'traefik.yml'}"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert processes.await_that(lambda: self._process.poll() is not None or self._answers(), 20), self.log
        return self._process.returncode

    def _answers(self) -> bool:
        try:
            return self._http.get(f"http://127.0.0.1:{self.ping}/ping").is_success
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        """Start it, and wait until it knows the name of the mails' page, which may have nothing at `/`."""
        assert self.start() is None, self.log
        assert processes.await_that(lambda: "X-Frame-Options" in self.ask("mailhog").headers, 20), self.log
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Kill it: asked to end, it would take two seconds, and it has nothing to lose."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._http.close()

    def ask(self, page: str, path: str = "/", method: str = "GET", **more: Any) -> httpx.Response:
        """Ask for a page by its name, as a browser would that knows where `appserver.test` is."""
        headers = {"Host": page if "." in page else f"{page}.appserver.test", **more.pop("headers", {})}
        return self._http.request(method, f"http://127.0.0.1:{self.web}{path}", headers=headers, **more)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines it has written so far; what is no JSON as `{"message": …}`."""
        return [_line(text) for text in self._output.read_text().splitlines() if text.strip()]

    def complaints(self) -> list[str]:
        """Give what it calls an error."""
        lines = [line for line in self.log if line.get("level") in {None, "error", "fatal"}]
        return [f"{line.get('message', '')} {line.get('error', '')}" for line in lines]


def _line(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError:
        return {"message": text}
