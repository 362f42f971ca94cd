"""What Compose makes of a file, and what we ask of it beyond what Compose does."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dispatcher.crew.lead import GRACE
from dispatcher.settings import ServiceSettings
from helpers.containers import COMPOSE

FOLDER = Path(__file__).resolve().parent.parent.parent / "deploy" / "container"
PINNED = re.compile(r"[^@]+:v?\d+\.\d+[\w.-]*|[^@]+@sha256:[0-9a-f]{64}")
OURS = re.compile(r"dispatcher(-sandbox)?:")
SECRET = re.compile(r"password|token|secret|key\b|webhook")
LOGIN = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
UNITS = {"s": 1, "m": 60, "h": 3600}

Config = dict[str, Any]


def merged(*names: str, profiles: tuple[str, ...] = (), **environment: str) -> Config:
    """Give what `docker compose config` says of files of ours: read, merged, and valid, or the test fails."""
    files = [word for name in names for word in ("-f", str(FOLDER / name))]
    wanted = [word for profile in profiles for word in ("--profile", profile)]
    done = subprocess.run(
        [COMPOSE, *files, *wanted, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )
    assert done.returncode == 0, done.stderr
    assert "" == done.stderr, "a warning is a mistake"
    return json.loads(done.stdout)


def override(folder: Path, **values: object) -> list[str]:
    """Give the options for a set of containers of which some values are others, as `-f` files."""
    file = folder / "override.yml"
    file.write_text(yaml.safe_dump(values).replace("'!reset'", "!reset null"))
    return ["-f", str(file)]


def seconds(text: str) -> int:
    """Read a duration as Compose writes it: `1m30s`."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", text))


def complaints(config: Config) -> list[str]:
    """Say what is wrong with a set for production, a sentence for each."""
    found = [*_everywhere(config)]
    for name, service in config["services"].items():
        found += [f"{name}: {said}" for said in _hardened(service)]
    return [*found, *_secrets(config), *_networks(config), *_dispatchers(config["services"]["dispatcher"])]


def development_complaints(config: Config) -> list[str]:
    """Say what is wrong with a set for development."""
    ports = [(name, port) for name, service in config["services"].items() for port in service.get("ports", [])]
    open_ports = [
        f"{name}: port {port['target']} is open" for name, port in ports if port.get("host_ip") != "127.0.0.1"
    ]
    return [*_everywhere(config), *open_ports]


def _everywhere(config: Config) -> Iterator[str]:
    for name, service in config["services"].items():
        image = service.get("image", "")
        if not (PINNED.fullmatch(image) or ("build" in service and OURS.match(image))):
            yield f"{name}: {image or 'no image'} may be another one tomorrow"
        for volume in service.get("volumes", []):
            if volume["type"] == "bind" and not volume.get("read_only"):
                yield f"{name}: {volume['target']} can be written from inside"
        if service.get("privileged") or service.get("cap_add"):
            yield f"{name}: has more rights than it needs"


def _hardened(service: Config) -> Iterator[str]:
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    yield from (f"has no limit of {name}" for name in ("cpus", "memory", "pids") if name not in limits)
    if not service.get("read_only"):
        yield "can write its root file system"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may get new privileges"
    if service.get("restart") != "unless-stopped":
        yield "is not started again"
    if "max-size" not in service.get("logging", {}).get("options", {}):
        yield "may fill the disk with its log"
    if "healthcheck" not in service and "build" not in service:
        yield "has no health check"
    if "build" not in service and str(service.get("user", "0")).partition(":")[0] in {"0", "root", ""}:
        yield "runs as root"
    yield from (f"publishes {port['target']}" for port in service.get("ports", []))
    yield from (
        f"is handed the engine by {volume['source']}"
        for volume in service.get("volumes", [])
        if str(volume.get("source", "")).endswith("docker.sock")
    )


def _secrets(config: Config) -> Iterator[str]:
    for name, service in config["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            if _is_secret(variable.lower()) or LOGIN.search(str(value)):
                yield f"{name}: {variable} shows a secret"
    for name, one in config["secrets"].items():
        if "file" not in one or Path(one["file"]).parent != FOLDER / "secrets":
            yield f"secret {name}: is no file of deploy/container/secrets"
    for name, one in config["configs"].items():
        yield from (f"configuration {name}: {said}" for said in _configuration(Path(one["file"])))


def _configuration(file: Path) -> Iterator[str]:
    text = file.read_text()
    if LOGIN.search(text):
        yield "shows a login"
    if file.suffix == ".yml":
        yield from (f"{key} shows a secret" for key in _plain(yaml.safe_load(text)))


def _plain(values: Any) -> Iterator[str]:
    for key, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, dict):
            yield from _plain(value)
        elif _is_secret(key):
            yield key


def _is_secret(name: str) -> bool:
    return SECRET.search(name) is not None and not name.endswith("_file")


def _networks(config: Config) -> Iterator[str]:
    for name in config["services"]["rabbitmq"].get("networks") or ["default"]:
        if not config["networks"][name].get("internal"):
            yield f"rabbitmq: the network {name} leads outside"


def _dispatchers(service: Config) -> Iterator[str]:
    needed = ServiceSettings().drain_timeout.total_seconds() + GRACE
    if seconds(service.get("stop_grace_period", "10s")) <= needed:
        yield f"dispatcher: is killed before it has drained, which takes up to {needed:g} s"
    if service.get("deploy", {}).get("replicas", 1) < 2:
        yield "dispatcher: there is only one"
    kept = {volume["target"]: volume for volume in service.get("volumes", [])}
    if kept.get("/var/lib/dispatcher", {}).get("type") != "volume":
        yield "dispatcher: the journal goes with the container"
    if service.get("depends_on", {}).get("rabbitmq", {}).get("condition") != "service_healthy":
        yield "dispatcher: does not wait for the broker"
