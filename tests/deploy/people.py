"""Users of a RabbitMQ node with the rights that `dispatcher permissions` prints, or less."""

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from tests.cli.command import run
from tests.management import Management

HOST = "the-virtual-host"
_said: list[str] = []


@dataclass(frozen=True)
class Person:
    """A user in a virtual host.

    Attributes:
        name: password too.
        host: the virtual host.
        rights: regular expressions by right.

    """

    name: str
    host: str
    rights: dict[str, str]

    def url(self, port: int) -> str:
        """Where it logs in."""
        return f"amqp://{self.name}:{self.name}@127.0.0.1:{port}/{self.host}"

    def without(self, right: str, name: str) -> "Person":
        """Give the same user, who may not do this with what has that name."""
        fewer = self.rights[right].replace("^", f"^(?!{re.escape(name)}$)", 1)
        return replace(self, rights={**self.rights, right: fewer})


async def allow(management: Management, person: Person) -> None:
    """Let a user do what it may, and nothing else; make it where it is missing."""
    await management.add_user(person.name, person.host, **person.rights)


async def documented(host: str, folder: Path) -> tuple[Person, Person, Person]:
    """Give the daemon and two kinds of publisher, as `dispatcher permissions` has them: by the exchange, and not."""
    if not _said:  # once for all tests: it is the same but for the names
        url = f"amqp://dispatcher-{HOST}:x@127.0.0.1/{HOST}"
        done = await run("permissions", "--publisher", f"shop-{HOST}", folder=folder, brokers__rabbitmq__url=url)
        assert (0, "") == (done.code, done.error)
        _said.extend(
            line.removeprefix("# ") for line in done.out.replace(" \\\n    ", " ").splitlines() if "rabbitmqctl" in line
        )
    daemon, shop, other = (_read(line.replace(HOST, host)) for line in _said)
    return daemon, shop, replace(other, name=f"other-{host}")


def _read(command: str) -> Person:
    program, verb, option, host, name, *rights = shlex.split(command)
    assert (program, verb, option) == ("rabbitmqctl", "set_permissions", "-p")
    return Person(name, host, dict(zip(("configure", "write", "read"), rights, strict=True)))
