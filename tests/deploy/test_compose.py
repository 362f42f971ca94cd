"""The sets of containers, as Compose itself reads them, and the Dockerfile, as hadolint reads it."""

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest

from dispatcher.brokers.rights import of_a_publisher, of_the_daemon
from helpers.containers import HADOLINT
from tests.deploy.compose import FOLDER, Config, complaints, development_complaints, merged

DOCKERFILE = (FOLDER / "Dockerfile").read_text()


@cache
def production() -> Config:
    return merged("production.yml")


@cache
def development() -> Config:
    return merged("compose.yml", profiles=("mailhog",))


def test_production_has_nothing_to_complain_of():
    assert [] == complaints(production())


def test_development_has_nothing_to_complain_of():
    assert [] == development_complaints(development())


def put(path: str, value: object) -> Callable[[Config], None]:
    """Make a mistake: put something in another's place; `None` takes it out."""

    def mistake(config: Config) -> None:
        *sections, last = path.split("/")
        for name in sections:
            config = config[int(name) if name.isdigit() else name]
        if value is None:
            del config[last]
        else:
            config[last] = value

    return mistake


DISPATCHER, RABBITMQ = "services/dispatcher", "services/rabbitmq"
DOCKER = {"type": "bind", "source": "/var/run/docker.sock", "target": "/docker.sock", "read_only": True}
PORT = {"target": 5672, "published": "5672"}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (f"{RABBITMQ}/image", "rabbitmq", "rabbitmq: rabbitmq may be another one tomorrow"),
        (f"{RABBITMQ}/image", "rabbitmq:latest", "rabbitmq: rabbitmq:latest may be another one tomorrow"),
        (f"{RABBITMQ}/image", "rabbitmq:4", "rabbitmq: rabbitmq:4 may be another one tomorrow"),
        (f"{RABBITMQ}/cap_drop", None, "rabbitmq: keeps capabilities"),
        (f"{RABBITMQ}/healthcheck", None, "rabbitmq: has no health check"),
        (f"{RABBITMQ}/logging", None, "rabbitmq: may fill the disk with its log"),
        (f"{RABBITMQ}/networks/outside", {}, "rabbitmq: the network outside leads outside"),
        (f"{RABBITMQ}/ports", [PORT], "rabbitmq: publishes 5672"),
        (f"{RABBITMQ}/user", "root", "rabbitmq: runs as root"),
        (f"{DISPATCHER}/deploy/replicas", 1, "dispatcher: there is only one"),
        (f"{DISPATCHER}/deploy/resources/limits/memory", None, "dispatcher: has no limit of memory"),
        (f"{DISPATCHER}/deploy/resources/limits/pids", None, "dispatcher: has no limit of pids"),
        (f"{DISPATCHER}/depends_on", None, "dispatcher: does not wait for the broker"),
        (f"{DISPATCHER}/environment", {"SMTP_PASSWORD": "x"}, "dispatcher: SMTP_PASSWORD shows a secret"),
        (f"{DISPATCHER}/environment", {"URL": "amqp://a:b@c/"}, "dispatcher: URL shows a secret"),
        (f"{DISPATCHER}/cap_add", ["NET_RAW"], "dispatcher: has more rights than it needs"),
        (f"{DISPATCHER}/read_only", None, "dispatcher: can write its root file system"),
        (f"{DISPATCHER}/restart", None, "dispatcher: is not started again"),
        (f"{DISPATCHER}/security_opt", [], "dispatcher: may get new privileges"),
        (
            f"{DISPATCHER}/stop_grace_period",
            "45s",
            "dispatcher: is killed before it has drained, which takes up to 45 s",
        ),
        (
            f"{DISPATCHER}/stop_grace_period",
            None,
            "dispatcher: is killed before it has drained, which takes up to 45 s",
        ),
        (f"{DISPATCHER}/volumes/0/read_only", None, "dispatcher: /etc/dispatcher/templates can be written from inside"),
        (f"{DISPATCHER}/volumes", [DOCKER], "dispatcher: is handed the engine by /var/run/docker.sock"),
        (f"{DISPATCHER}/volumes", [], "dispatcher: the journal goes with the container"),
        ("secrets/ca.pem", {"environment": "CA"}, "secret ca.pem: is no file of deploy/container/secrets"),
    ],
)
def test_a_mistake_in_production_is_complained_of(path: str, value: object, expected: str):
    config = deepcopy(production())
    put(path, value)(config)

    assert expected in complaints(config)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("notifiers: {telegram: {token: x}}", "configuration dispatcher: token shows a secret"),
        ("brokers: {rabbitmq: {url: 'amqps://a:b@c/'}}", "configuration dispatcher: shows a login"),
    ],
)
def test_a_secret_in_the_configuration_is_complained_of(tmp_path: Path, text: str, expected: str):
    file = tmp_path / "dispatcher.yml"
    file.write_text(text)
    config = deepcopy(production())
    put("configs/dispatcher/file", str(file))(config)

    assert expected in complaints(config)


def test_a_port_of_development_that_is_open_to_the_network_is_complained_of():
    config = deepcopy(development())
    put("services/dispatcher/ports", [PORT])(config)

    assert ["dispatcher: port 5672 is open"] == development_complaints(config)


def test_every_secret_that_the_configuration_names_is_handed_over():
    text = (FOLDER / "dispatcher.yml").read_text() + (FOLDER / "rabbitmq.conf").read_text()
    handed = {
        one["target"]
        for service in production()["services"].values()
        for one in service["secrets"]
        if one["target"].removeprefix("/run/secrets/") in production()["secrets"]
    }

    assert handed == {word.rstrip(",}") for word in text.split() if word.startswith("/run/secrets/")}


def test_both_sets_mount_the_same_in_the_same_place():
    targets = [
        {volume["target"] for volume in config["services"]["dispatcher"]["volumes"]}
        for config in (production(), development())
    ]

    assert [{"/etc/dispatcher/templates", "/var/lib/dispatcher"}] * 2 == targets


def test_the_users_of_production_have_the_least_rights(tmp_path: Path):
    """And whoever makes the secrets anew keeps the passwords that there are."""
    folder = tmp_path / "secrets"
    subprocess.run(["sh", FOLDER / "secrets.sh", folder], input="letmein\n", text=True, capture_output=True, check=True)
    passwords = {file.name: file.read_text() for file in folder.glob("*-password")}
    subprocess.run(["sh", FOLDER / "secrets.sh", folder], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    given = json.loads((folder / "definitions.json").read_text())["permissions"]

    assert passwords == {file.name: file.read_text() for file in folder.glob("*-password")}
    assert "letmein\n" == passwords["smtp-password"]
    assert [
        {"user": "dispatcher", "vhost": "/", **asdict(of_the_daemon(["email", "telegram", "slack"]))},
        {"user": "publisher", "vhost": "/", **asdict(of_a_publisher())},
    ] == given


def hadolint(text: str) -> list[str]:
    """Give what hadolint finds in a Dockerfile: nothing is left out, not even what is only style."""
    done = subprocess.run([HADOLINT, "--format", "json", "-"], input=text, capture_output=True, text=True, check=False)
    return [f"{one['code']} {one['message']}" for one in json.loads(done.stdout)]


def test_hadolint_has_nothing_to_complain_of():
    assert [] == hadolint(DOCKERFILE)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("FROM python:${PYTHON} AS base", "FROM python AS base", "DL3006"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("WORKDIR /etc/dispatcher", "WORKDIR etc/dispatcher", "DL3000"),
        ("--require-hashes -r locked.txt", "aiohttp", "DL3013"),
        ('ENTRYPOINT ["dispatcher"]', "ENTRYPOINT dispatcher", "DL3025"),
        ("COPY dispatcher dispatcher", "ADD dispatcher dispatcher", "DL3020"),
    ],
)
def test_hadolint_sees_a_mistake(old: str, new: str, code: str):
    assert old in DOCKERFILE

    assert any(said.startswith(code) for said in hadolint(DOCKERFILE.replace(old, new)))
