"""The files of traefik/: Traefik itself takes them, refuses broken copies, and nobody gets in without a login."""

import copy
import socket
import ssl
import subprocess

import httpx
import pytest
import trustme
import yaml

from helpers import processes, traefik
from tests.deploy import routes
from tests.deploy.traefik import ROOT, SHIPPED, Traefik, shipped
from tests.docs.pages import Page

COMPOSE = sorted((ROOT / "deploy" / "container").glob("*.yml"))
PAGE = Page("deployment/traefik.md")

ROUTER, STATIC = "routes.yml", "traefik.yml"


def edited(files, *path, **changes):
    """Give a copy in which a mapping, found by its keys, has other values; without those that become `None`."""
    files = copy.deepcopy(files)
    target = files
    for key in path:
        target = target[key]
    target.update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del target[key]
    return files


def router(name, **changes):
    return edited(shipped(), ROUTER, "http", "routers", name, **changes)


def test_traefik_has_nothing_to_complain_about(tmp_path):
    """And each route is there."""
    with Traefik(tmp_path / "etc", shipped()) as proxy:
        answers = {name: proxy.ask(name).status_code for name in ("mailhog", "rabbit", "dispatcher", "elsewhere")}
        own_pages = {proxy.ask("elsewhere", path).status_code for path in ("/ping", "/dashboard/", "/api/rawdata")}

    assert {"mailhog": 502, "rabbit": 502, "dispatcher": 401, "elsewhere": 404} == answers
    assert {404} == own_pages
    assert [] == proxy.complaints()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (router("mails", middleware=["headers"]), "field not found, node: middleware"),
        (router("mails", rule="Host(`mailhog.appserver.test`"), "error while parsing rule"),
        (router("mails", rule="Hots(`mailhog.appserver.test`)"), "unsupported function: Hots"),
        (router("mails", entryPoints=["wbe"]), "EntryPoint doesn't exist"),
        (router("rabbitmq", service="rabit"), 'the service "rabit@file" does not exist'),
        (router("dispatcher", middlewares=["lgoin"]), 'middleware "lgoin@file" does not exist'),
        (
            edited(shipped(), "middlewares.yml", "http", "middlewares", "login", basicauht={}),
            "field not found, node: basicauht",
        ),
    ],
)
def test_traefik_names_what_is_wrong_with_a_broken_copy(tmp_path, files, complaint):
    """A typo is no open door: what has one does not exist."""
    proxy = Traefik(tmp_path / "etc", files)
    try:
        assert proxy.start() is None
        assert processes.await_that(lambda: complaint in " ".join(proxy.complaints()), 10), proxy.log
        assert proxy.ask("dispatcher").status_code in {401, 404}
    finally:
        proxy.end()


def test_traefik_does_not_start_with_a_setting_that_it_does_not_know(tmp_path):
    """The part that is read at its start."""
    proxy = Traefik(tmp_path / "etc", edited(shipped(), STATIC, "providers", "file", watched=True))

    assert proxy.start() == 1
    assert "field not found, node: watched" in " ".join(proxy.complaints())


def test_the_labels_of_the_containers_say_what_routes_yml_says():
    """For development all of it; for production nothing that is not there."""
    ours = routes.of_file(shipped()[ROUTER]["http"])
    theirs = {path.name: routes.of_compose(path) for path in COMPOSE if "services" in yaml.safe_load(path.read_text())}

    assert ours == theirs["compose.yml"]
    assert {} == theirs["production.yml"]


def test_traefik_is_told_the_same_as_a_container():
    """There by arguments; but for where the routes are, and for its log, which nobody parses there."""
    service = yaml.safe_load((ROOT / "deploy" / "container" / "compose.yml").read_text())["services"]["traefik"]
    arguments = dict(argument.removeprefix("--").split("=") for argument in service["command"])
    ours = flat(shipped()[STATIC])

    assert "false" == arguments["providers.docker.exposedByDefault"]
    assert without("log", "providers", ours) == without("log", "providers", arguments)


def flat(settings, path=""):
    """Give nested settings as Traefik's arguments have them."""
    if settings and isinstance(settings, dict):
        return {name: value for key, inner in settings.items() for name, value in flat(inner, f"{path}.{key}").items()}
    return {path[1:]: "true" if settings == {} else str(settings).lower() if isinstance(settings, bool) else settings}


def without(*sections_and_settings):
    """Give settings without those of some sections."""
    *sections, settings = sections_and_settings
    return {name: value for name, value in settings.items() if name.partition(".")[0] not in sections}


def test_the_login_of_the_development_containers_opens_the_page(tmp_path):
    """The password that the page of the containers names; its hash is of the other kind than the one in these tests."""
    users = (ROOT / "deploy" / "container" / "users").read_text()
    with Traefik(tmp_path / "etc", shipped(), users=users) as proxy:
        assert proxy.ask("dispatcher", auth=("dispatcher", "dispatcher")).status_code == 502
        assert proxy.ask("dispatcher", auth=("dispatcher", "")).status_code == 401


def test_the_page_has_the_same_table():
    """Of names, pages and what stands before them."""
    ours = routes.of_file(shipped()[ROUTER]["http"]).values()
    rows = PAGE.rows("## Names")

    assert {(route.rule.split("`")[1], f"127.0.0.1:{route.port}") for route in ours} == {
        (row[0], row[2]) for row in rows
    }
    assert {route.rule.split("`")[1] for route in ours if "login" in route.middlewares} == {
        row[0] for row in rows if "users" in row[3]
    }


def test_nothing_leads_to_the_page_of_the_daemon_without_a_login():
    """Nor to Traefik's own; and no password lies in the repository."""
    files = shipped(*(path.name for path in SHIPPED.glob("*.yml")))
    middlewares = files["middlewares.yml"]["http"]["middlewares"]

    assert {"middlewares.yml", "routes.yml", "tls.yml", "traefik.yml"} == set(files)
    assert [] == routes.open_doors(routes.of_file(files[ROUTER]["http"]), middlewares)
    assert [] == routes.open_doors(routes.of_file(files["tls.yml"]["http"]), middlewares)
    for name in (ROUTER, "middlewares.yml", "tls.yml"):
        assert [] == routes.secrets_and_doors(files[STATIC], files[name])
    assert not (SHIPPED / "users").exists()


ANOTHER = {"rule": "Path(`/metrics`)", "entryPoints": ["web"], "middlewares": ["headers"], "service": "dispatcher"}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (router("dispatcher", middlewares=["headers", "rate-limit"]), "dispatcher"),
        (router("dispatcher", middlewares=None), "dispatcher"),
        (edited(shipped(), ROUTER, "http", "routers", another=ANOTHER), "another"),
        (edited(shipped(), "middlewares.yml", "http", "middlewares", login={"headers": {}}), "dispatcher"),
    ],
)
def test_an_open_door_is_named(files, named):
    """However it came about."""
    found = routes.open_doors(routes.of_file(files[ROUTER]["http"]), files["middlewares.yml"]["http"]["middlewares"])

    assert [f"The route {named} leads to the daemon's page without a login"] == [one.partition(":")[0] for one in found]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (edited(shipped(), STATIC, api={"insecure": True}), "`api` switches Traefik's dashboard on: leave it out."),
        (
            router("mails", service="api@internal"),
            "The route mails leads to api@internal, which is Traefik's own page.",
        ),
        (
            edited(shipped(), "middlewares.yml", "http", "middlewares", "login", "basicAuth", users=["a:b"]),
            "The middleware login has its users in the file: name a usersFile instead.",
        ),
    ],
)
def test_a_secret_or_a_dashboard_is_named(files, sentence):
    """Whoever adds one."""
    found = [
        one for name in (ROUTER, "middlewares.yml") for one in routes.secrets_and_doors(files[STATIC], files[name])
    ]

    assert sentence in found


def issue(folder):
    """Issue a certificate for the names of the box, where tls.yml looks for it; give what trusts its authority."""
    authority, trusting = trustme.CA(), ssl.create_default_context()
    issued = authority.issue_cert("*.appserver.test")
    folder.mkdir(parents=True, exist_ok=True)
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    authority.configure_trust(trusting)
    return trusting


def ask_over_tls(proxy, trusting):
    """Ask for the page of the daemon; give the status, or none where the certificate is not trusted."""
    name = "dispatcher.appserver.test"
    request = {"headers": {"Host": name}, "extensions": {"sni_hostname": name}}
    with httpx.Client(verify=trusting) as https:
        try:
            return https.get(f"https://127.0.0.1:{proxy.websecure}/", **request).status_code
        except httpx.ConnectError as error:
            if "certificate verify failed" not in str(error):
                raise
            return None


def test_one_file_switches_tls_on_and_off(tmp_path):
    """Without a restart; the certificate is the one that lies there, and a name that is none of ours is no page."""
    files, tls = edited(shipped(), STATIC, "providers", providersThrottleDuration="50ms"), shipped("tls.yml")["tls.yml"]
    with Traefik(tmp_path / "etc", files) as proxy:
        trusting = issue(tmp_path / "etc" / "tls")
        assert proxy.ask("mailhog").status_code == 502
        assert ask_over_tls(proxy, trusting) is None
        proxy.put("tls.yml", tls)

        assert processes.await_that(lambda: proxy.ask("mailhog").is_redirect, 10), proxy.log
        assert "https://mailhog.appserver.test/x?y=1" == proxy.ask("mailhog", "/x?y=1").headers["Location"]
        assert proxy.ask("elsewhere").is_redirect
        assert proxy.ask("mailhog.appserver.test.example").status_code == 404
        assert processes.await_that(lambda: ask_over_tls(proxy, trusting) == 401, 10), proxy.log

        trusting = issue(tmp_path / "etc" / "tls")
        proxy.put("tls.yml", tls)
        assert processes.await_that(lambda: ask_over_tls(proxy, trusting) == 401, 10), proxy.log

        (tmp_path / "etc" / "dynamic" / "tls.yml").unlink()
        assert processes.await_that(lambda: proxy.ask("mailhog").status_code == 502, 10), proxy.log


def test_certificates_of_an_authority_are_switched_on_as_the_page_says(tmp_path):
    """Traefik takes the lines of the page; it is not let ask anybody for a certificate."""
    (example,) = PAGE.examples("yaml", "### From an authority")
    files, lines = shipped(), yaml.safe_load(example)
    files[STATIC]["entryPoints"]["websecure"]["http"]["tls"] = lines["entryPoints"]["websecure"]["http"]["tls"]
    (resolver,) = lines["certificatesResolvers"].values()
    storage = resolver["acme"].pop("storage")
    resolver["acme"] |= {"caServer": "https://127.0.0.1:1/", "storage": str(tmp_path / "acme.json")}
    files[STATIC]["certificatesResolvers"] = lines["certificatesResolvers"]

    with Traefik(tmp_path / "etc", files) as proxy:
        assert proxy.ask("dispatcher").status_code == 401
    assert storage == "/var/lib/traefik/acme.json"


def test_without_a_file_of_users_nobody_sees_the_page_of_the_daemon(tmp_path):
    """The others are there."""
    with Traefik(tmp_path / "etc", shipped(), users=None) as proxy:
        assert proxy.ask("dispatcher").status_code == 404
        assert proxy.ask("rabbit").status_code == 502
    assert any("users: no such file" in complaint for complaint in proxy.complaints())


def test_traefik_is_fetched_once_and_what_cannot_be_had_is_said(tmp_path, monkeypatch, capfd):
    """By whom it is missed, and without a half of it left behind that would be taken for all."""
    assert 0 == traefik.main()
    assert ("", "") == capfd.readouterr()

    for name, file in {"FOLDER": "", "TRAEFIK": "bin/traefik", "LISTING": "requirements.txt"}.items():
        monkeypatch.setattr(traefik, name, tmp_path / file)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert 2 == traefik.main()
    assert "The tests of traefik/ need Traefik" in capfd.readouterr().err
    assert not (tmp_path / "requirements.txt").exists()


def test_systemd_understands_the_unit(tmp_path):
    """And finds little that it could be spared."""
    unit = tmp_path / "traefik.service"
    program = tmp_path / "traefik"  # systemd takes a space in a path for the end of it
    program.symlink_to(traefik.TRAEFIK)
    unit.write_text((SHIPPED / "traefik.service").read_text().replace("/usr/local/bin/traefik", str(program)))
    for question in (["verify"], ["security", "--offline=true", "--no-pager", "--threshold=20"]):
        done = subprocess.run(
            ["systemd-analyze", *question, unit], capture_output=True, text=True, env={"LC_ALL": "C"}, check=False
        )
        assert (0, "") == (done.returncode, done.stderr), done.stdout


def test_the_unit_is_told_when_traefik_is_ready(tmp_path):
    """`Type=notify` and `WatchdogSec` would wait for ever for a program that says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        proxy = Traefik(tmp_path / "etc", shipped())
        try:
            assert proxy.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000") is None
            assert [b"READY=1", b"WATCHDOG=1"] == [systemd.recv(100), systemd.recv(100)]
        finally:
            proxy.end()
