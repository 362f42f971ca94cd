"""What the tests need of Debian: what is missing is installed, and what was there stays as it was."""

import pytest

from helpers import tools


@pytest.mark.parametrize(
    ("missing", "packages", "services"),
    [
        ({"smtp-sink", "vagrant"}, ("postfix", "vagrant"), ["postfix"]),
        ({"vagrant"}, ("vagrant",), []),
    ],
)
def test_what_is_missing_comes_in_one_go_and_its_services_are_kept_off(monkeypatch, missing, packages, services):
    """A Postfix or a RabbitMQ that this machine had before goes on to come up with it."""
    asked = []
    monkeypatch.setattr(tools, "find", lambda program: None if program in missing else "/usr/bin/there")
    monkeypatch.setattr(tools, "apt_install", lambda *names, services: asked.append((names, services)))
    tools.get("smtp-sink", "vagrant", "podman")

    assert [(packages, services)] == asked


def test_where_nothing_is_missing_nothing_is_asked_for(monkeypatch):
    monkeypatch.setattr(tools, "find", lambda _: "/usr/bin/there")
    monkeypatch.setattr(tools, "apt_install", lambda *_, **__: pytest.fail("it was asked for"))
    tools.get("smtp-sink", "vagrant", "podman")
