"""What a private RabbitMQ node is told: its environment and its files, in which nothing points at another RabbitMQ."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = re.compile(r"RABBITMQ_|ERL_|ERLANG|XDG_CONFIG|NOTIFY_SOCKET")
# File names are UTF-8 whatever the locale is.
LIGHT = "-start_epmd false +fnu +S 2:2 +SDio 2 +A 8 -kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True)
class Wishes:
    """What the program that starts a node may ask for.

    Attributes:
        tls: paths of PEM files, `ca`, `cert` and `key`, or `None` for plain AMQP only.
        extra_config: lines for `rabbitmq.conf`; they win over ours.
        management: whether the management page is on.

    """

    tls: dict[str, Any] | None
    extra_config: str
    management: bool


def environment(folder: Path, name: str, ports: dict[str, int]) -> dict[str, str]:
    """Give the environment of the processes of a node. Its data belong to its name, whatever its ports are."""
    return {
        **{key: value for key, value in os.environ.items() if not FOREIGN.match(key)},
        "HOME": str(folder / "home"),  # the Erlang cookie lies there
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP_SECONDS": "0",  # no dump: nobody here would read one
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_DIST_PORT": str(ports["distribution"]),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": LIGHT,
        # The script then becomes the broker instead of staying above it as a shell: our child is the one to signal.
        "RABBITMQ_ALLOW_INPUT": "true",
        "RABBITMQ_SERVER_START_ARGS": "-noinput +B i",
    }


def write(folder: Path, ports: dict[str, int], wishes: Wishes) -> None:
    """Write the files that a node reads when it starts."""
    for name in ("home", "log", "data"):
        (folder / name).mkdir(exist_ok=True)
    plugins = "rabbitmq_management" if wishes.management else ""
    (folder / "enabled_plugins").write_text(f"[{plugins}].\n")
    lines = [
        f"listeners.tcp.1 = 127.0.0.1:{ports['amqp']}",
        *_management_lines(ports, wishes),
        *_tls_lines(folder, ports, wishes),
        "vm_memory_high_watermark.absolute = 1GB",
        "disk_free_limit.absolute = 50MB",
        "log.console = false",
        "log.file.level = warning",
        wishes.extra_config,
    ]
    (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")


def _management_lines(ports: dict[str, int], wishes: Wishes) -> list[str]:
    address = {"ip": "127.0.0.1", "port": ports["management"]}
    return [f"management.tcp.{name} = {value}" for name, value in address.items()] if wishes.management else []


def _tls_lines(folder: Path, ports: dict[str, int], wishes: Wishes) -> list[str]:
    if not wishes.tls:
        return []
    (folder / "tls").mkdir(exist_ok=True)
    names = {"ca": "cacertfile", "cert": "certfile", "key": "keyfile"}
    for name in names:  # copies: a path without spaces needs no quoting; the node runs in its folder
        shutil.copyfile(wishes.tls[name], folder / "tls" / f"{name}.pem")
    return [
        f"listeners.ssl.1 = 127.0.0.1:{ports['tls']}",
        *(f"ssl_options.{option} = tls/{name}.pem" for name, option in names.items()),
        "ssl_options.verify = verify_none",
        "ssl_options.fail_if_no_peer_cert = false",
    ]
