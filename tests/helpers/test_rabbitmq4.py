"""The RabbitMQ of another Debian: how it is asked for, and where it would come from; `make test-rabbitmq4` shows it."""

import pytest

from helpers import handshake, node_programs, rabbitmq4, suites
from helpers.node import Node
from helpers.ports import free_port

APT_KNOWS = """http://archive.example/debian-security/ Debian-Security
https://packages.example/tools/ Somebody
http://archive.example/debian/ Debian
http://archive.example/debian/ Debian
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(rabbitmq4, "PLACE", tmp_path)
    return tmp_path


@pytest.fixture
def unpacked(place):
    """What is taken for a RabbitMQ."""
    script = place / "trixie" / node_programs.SCRIPT
    script.parent.mkdir(parents=True)
    script.touch()
    return place / "trixie"


def test_what_is_there_is_not_got_again(unpacked, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")

    assert 0 == rabbitmq4.main(["trixie"])
    assert (f"RABBITMQ_ROOT={unpacked}\n", "") == capsys.readouterr()


def test_without_apt_it_is_a_sentence(place, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")

    assert 2 == rabbitmq4.main(["trixie"])
    assert "needs Debian's apt-get" in capsys.readouterr().err


def test_the_archive_is_the_one_of_this_machine(monkeypatch):
    """Not that of security updates, where the packages that are needed do not lie."""
    monkeypatch.setattr(suites, "run", lambda *_: APT_KNOWS)

    assert "http://archive.example/debian/" == suites.archive()


@pytest.mark.parametrize("known", ["", "https://packages.example/tools/ Somebody\n"])
def test_a_machine_that_knows_no_archive_is_told(known, monkeypatch):
    monkeypatch.setattr(suites, "run", lambda *_: known)
    with pytest.raises(suites.NotToBeHad, match="knows no archive of Debian"):
        suites.archive()


def test_a_node_takes_the_one_that_is_named(unpacked, monkeypatch):
    monkeypatch.setenv(node_programs.VARIABLE, str(unpacked))

    assert "unshare" == node_programs.server()[0]
    assert [str(unpacked), "/usr/lib/rabbitmq/bin/rabbitmqctl", "status"] == node_programs.control("status")[-3:]


def test_a_folder_without_one_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(node_programs.VARIABLE, str(tmp_path))
    with pytest.raises(
        node_programs.NodeFailure, match=r"There is no rabbitmq-server in .*, which RABBITMQ_ROOT names"
    ):
        Node(tmp_path / "node").start()


def test_nobody_who_greets_has_no_version():
    with pytest.raises(ValueError, match=r"no RabbitMQ greets at 127\.0\.0\.1:"):
        handshake.version(f"amqp://127.0.0.1:{free_port()}/")
