"""The images, built from the Dockerfile, and the sets of containers that run them: on an engine, for real.

What no registry is asked for is played: the image that the Dockerfile builds on by a Debian of debootstrap, RabbitMQ's
by a node of our own with the configuration and the users of production.
"""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import aio_pika
import pytest

from helpers.node import Node
from helpers.ports import free_port
from tests.deploy.compose import FOLDER, override
from tests.deploy.engine import Engine, build
from tests.smtp_server import SmtpServer
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]  # two images are built, on a machine that does much else

ROOT = FOLDER.parent.parent
IMAGE = "localhost/dispatcher:development"
SMTP_PASSWORD = "opensesame"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with both images."""
    with Engine() as engine:
        build(engine, sandbox="dispatcher-sandbox:development", dispatcher="dispatcher:development")
        engine.podman("tag", "localhost/dispatcher:development", "localhost/dispatcher:0.1.0")
        yield engine


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("production") / "secrets"
    made = ["sh", FOLDER / "secrets.sh", folder]
    subprocess.run(made, input=f"{SMTP_PASSWORD}\n", text=True, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> Iterator[Node]:
    """RabbitMQ with the configuration of production, and with guest besides, whom our own helpers log in as."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    definitions = json.loads((secrets / "definitions.json").read_text())
    definitions["users"].append({"name": "guest", "password": "guest", "tags": ["administrator"]})
    definitions["permissions"].append({"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"})
    (folder / "definitions.json").write_text(json.dumps(definitions))
    lines = (FOLDER / "rabbitmq.conf").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("listeners."))  # the ports are ours
    text = text.replace("/run/secrets/definitions.json", f"{folder}/definitions.json")
    tls = {"ca": secrets / "ca.pem", "cert": secrets / "rabbitmq.pem", "key": secrets / "rabbitmq.key"}
    node = Node(folder / "node", tls=tls, extra_config=text.replace("/run/secrets", str(secrets)), management=False)
    node.start()
    yield node
    node.remove()


async def publish(channel: aio_pika.abc.AbstractChannel, *names: str) -> None:
    """Publish a notification to each of these, as any program would."""
    exchange = await channel.get_exchange("dispatcher", ensure=False)
    for name in names:
        body = {"template": "hello", "to": f"{name}@example.org", "subject": "Hello", "parameters": {"name": name}}
        message = aio_pika.Message(json.dumps(body).encode(), message_id=name, delivery_mode=2)
        await exchange.publish(message, "email", mandatory=True)


def test_the_image_says_how_it_is_run(engine: Engine):
    config = engine.inspect("localhost/dispatcher:0.1.0")["Config"]

    assert "10001:10001" == config["User"]
    assert (["dispatcher"], ["run"]) == (config["Entrypoint"], config["Cmd"])
    assert "SIGTERM" == config["StopSignal"]
    assert {"8070/tcp": {}} == config["ExposedPorts"]
    assert "0.1.0" == config["Labels"]["org.opencontainers.image.version"]
    assert "/var/lib/dispatcher" in config["Volumes"]


def test_nothing_is_in_the_image_that_only_makes_it(engine: Engine):
    run = ["run", "--rm", "--network=none", "--entrypoint=sh", IMAGE, "-c"]
    look = (
        "ls -d /src /build /wheels; find / -xdev -name '.git' -o -xdev -name poetry.lock -o -xdev -name 'poetry_core*'"
    )

    assert "" == engine.podman(*run, f"{{ {look}; }} 2>/dev/null; true")


def test_all_is_compiled_so_that_nothing_has_to_be_written(engine: Engine):
    uncompiled = (
        "import importlib.util as u, pathlib as p; "
        "fs = list(p.Path('/app/lib').rglob('*.py')); "
        "print(len(fs) > 100, [f for f in fs if not p.Path(u.cache_from_source(f)).exists()])"
    )
    run = ["run", "--rm", "--network=none", "--entrypoint=python", IMAGE, "-c"]

    assert "True []\n" == engine.podman(*run, uncompiled)


def test_a_container_with_one_core_starts_one_process(engine: Engine):
    for cpus, processes in (("1", 1), ("0.5", 1), ("1.5", 2)):
        plan = engine.podman("run", "--rm", f"--cpus={cpus}", "--network=none", IMAGE, "run", "--plan")

        assert processes == json.loads(plan)["processes"]


def test_process_1_ends_at_sigterm_before_it_is_up(engine: Engine):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"amqp://127.0.0.1:{silent.getsockname()[1]}/"
        run = ["run", "-d", "--network=host", f"--env=DISPATCHER_BROKERS__RABBITMQ__URL={url}"]
        name = engine.podman(*run, IMAGE, "check").strip()
        silent.settimeout(60)
        silent.accept()[0].close()
        engine.podman("stop", "--time=300", name)

    assert [143] == engine.codes(name)


async def test_development(engine: Engine, broker: Node, tmp_path: Path):
    """The page of the sandbox, templates that are edited, health, and the end."""
    smtp, http, health = free_port(), free_port(), free_port()
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    template = templates / "email" / "hello.txt.jinja2"
    template.write_text("Good morning, {{ name }}")
    host = {"network_mode": "host", "networks": "!reset", "ports": "!reset"}
    environment = {
        "DISPATCHER_BROKERS__RABBITMQ__URL": broker.url,
        "DISPATCHER_NOTIFIERS__EMAIL__PORT": str(smtp),
        "DISPATCHER_SERVICE__HEALTH__PORT": str(health),
    }
    files = ["-f", str(FOLDER / "compose.yml")]
    files += override(
        tmp_path,
        services={
            "mails": {
                **host,
                "command": ["--smtp-port", str(smtp), "--http-port", str(http)],
                "healthcheck": {"test": ["CMD", "python", "/app/health.py", str(http), "/api/messages"]},
            },
            "dispatcher": {
                **host,
                "environment": environment,
                "volumes": [{"type": "bind", "source": str(templates), "target": "/etc/dispatcher/templates"}],
            },
        },
    )
    name, mails = (f"dispatcher-development-{service}-1" for service in ("dispatcher", "mails"))
    up = [*files, "up", "-d", "--no-build", "--no-deps"]
    engine.compose(*up, "mails", MAILS="127.0.0.1")
    await until(lambda: engine.code("healthcheck", "run", mails) == 0, 60, "healthy")  # the other one waits for that
    engine.compose(*up, "mails", "dispatcher", MAILS="127.0.0.1")
    await until(lambda: engine.code("healthcheck", "run", name) == 0, 60, "healthy")
    await until(lambda: '"event": "ready"' in engine.logs(name), 60, "ready")

    assert "10001\n" == engine.podman("exec", name, "id", "-u")
    assert 0 != engine.code("exec", name, "touch", "/etc/dispatcher/x")
    status = engine.podman("exec", name, "cat", "/proc/1/status")
    assert {"CapEff:\t0000000000000000", "NoNewPrivs:\t1"} <= set(status.splitlines())

    def texts() -> list[str]:
        with urlopen(f"http://127.0.0.1:{http}/api/v2/messages", timeout=5) as answer:
            return [item["Content"]["Body"].strip() for item in json.load(answer)["items"]]

    async with await aio_pika.connect(broker.url) as connection:
        channel = await connection.channel()
        await publish(channel, "ada")
        await until(lambda: texts() == ["Good morning, ada"])
        template.write_text("Good evening, {{ name }}")
        await publish(channel, "bob")
        await until(lambda: texts()[0] == "Good evening, bob")
        saved = template.with_suffix(".new")
        saved.write_text("Good night, {{ name }}")
        saved.rename(template)
        await publish(channel, "eve")
        await until(lambda: texts()[0] == "Good night, eve")

    engine.podman("kill", "--signal=STOP", name)
    assert 0 != engine.code("healthcheck", "run", name)
    engine.podman("kill", "--signal=CONT", name)
    assert 0 == engine.code("healthcheck", "run", name)

    engine.compose(*files, "stop", MAILS="127.0.0.1")
    assert [0, 0] == engine.codes(name, mails)


async def test_production(engine: Engine, broker: Node, secrets: Path, tmp_path: Path):
    """Two dispatchers with TLS and secrets as files, who are replaced while mails flow."""
    templates = tmp_path / "templates" / "email"
    templates.mkdir(parents=True)
    (templates / "hello.txt.jinja2").write_text("Hello {{ name }}")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(secrets / "rabbitmq.pem", secrets / "rabbitmq.key")
    async with SmtpServer(tls=tls, users={"dispatcher": SMTP_PASSWORD}, pause=0.01) as smtp:
        environment = {
            "DISPATCHER_BROKERS__RABBITMQ__URL": f"amqps://dispatcher@rabbitmq:{broker.tls_port}/",
            # Its certificate is for that name, and so it serves the mail server as well.
            "DISPATCHER_NOTIFIERS__EMAIL__HOST": "rabbitmq",
            "DISPATCHER_NOTIFIERS__EMAIL__PORT": str(smtp.port),
            "DISPATCHER_NOTIFIERS__EMAIL__CA_FILE": "/run/secrets/ca.pem",
            "DISPATCHER_SERVICE__HEALTH__PORT": str(free_port()),
            "DISPATCHER_SERVICE__PROCESSES": "1",
        }
        here = {"network_mode": "host", "networks": "!reset", "extra_hosts": ["rabbitmq:127.0.0.1"]}
        handed = ("ca.pem", "rabbitmq-password", "smtp-password")
        files = ["-f", str(FOLDER / "production.yml")]
        files += override(
            tmp_path,
            services={"dispatcher": {**here, "environment": environment}},
            secrets={name: {"file": str(secrets / name)} for name in handed},
        )
        up = [*files, "up", "-d", "--no-build", "--no-deps", "dispatcher"]
        await asyncio.to_thread(engine.compose, *up, TEMPLATES=str(templates.parent))
        names = ["dispatcher-dispatcher-1", "dispatcher-dispatcher-2"]

        async def all_are_ready() -> bool:
            logs = await asyncio.to_thread(lambda: [engine.logs(name) for name in names])
            return all('"event": "ready"' in log for log in logs)

        await until(all_are_ready, 90, "ready")
        assert 0 == await asyncio.to_thread(engine.code, "exec", names[0], "dispatcher", "check")

        trusted = ssl.create_default_context(cafile=secrets / "ca.pem")
        trusted.check_hostname = False  # it is called rabbitmq, where it is reached under that name
        password = (secrets / "publisher-password").read_text().strip()
        url = f"amqps://publisher:{password}@127.0.0.1:{broker.tls_port}/"
        async with await aio_pika.connect(url, ssl_context=trusted) as connection:
            channel = await connection.channel()
            await publish(channel, *(f"m{number}" for number in range(200)))
            await until(lambda: len(smtp.mails) >= 200, 60)
            logs = await asyncio.to_thread(lambda: [engine.logs(name) for name in names])
            assert all('"event": "settled"' in log for log in logs), "both have served some"

            replace = asyncio.create_task(
                asyncio.to_thread(engine.compose, *up, "--force-recreate", TEMPLATES=str(templates.parent))
            )
            number = 200
            while not replace.done():
                await publish(channel, f"m{number}")
                number += 1
            await replace
            await until(lambda: len(smtp.mails) >= number, 60)
            await until(all_are_ready, 90, "ready again")

        await asyncio.to_thread(engine.compose, *files, "stop", TEMPLATES=str(templates.parent))

        assert {f"m{one}@example.org": 1 for one in range(number)} == Counter(one.recipients[0] for one in smtp.mails)
        assert all(session.user == "dispatcher" for session in smtp.sessions if session.mail or session.user)
        assert [0, 0] == engine.codes(*names)
