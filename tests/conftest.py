"""What all tests share: one private RabbitMQ node for the whole run, and places in it that nobody else uses."""

import logging
import os
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
import trustme
from coverage import Coverage
from xdist.scheduler import LoadGroupScheduling

from dispatcher.cli.log import QUIET
from helpers.node import Node
from tests.management import Management

pytest_plugins = ["tests.faults.table"]

TOGETHER = {
    "tests/deploy/test_containers.py",
    "tests/deploy/test_vagrant.py",
    "tests/deploy/test_wheel.py",
    "tests/faults/test_broker.py",
    "tests/rendering/test_hostile.py",
}
"""Files whose tests share what takes long: images that are built, a node of their own, attacks that are made once."""

UNMEASURED = (
    "tests/benchmarks/",
    "tests/faults/",
    "tests/helpers/",
    "tests/notifiers/email/test_addresses.py::test_an_address_that_is_usual",
    "tests/notifiers/email/test_equal.py",
    "tests/rendering/test_plain_text.py::test_the_text_of_what_has_only_lines",
)
"""Whose coverage is not measured, nor that of the processes they start: that would make them twice as slow, and they
run nothing of the package that others do not.
"""


@dataclass(frozen=True)
class Certificates:
    """An authority of our own and a certificate for this machine, as PEM files."""

    ca: Path
    cert: Path
    key: Path


class Together(LoadGroupScheduling):
    """Keeps some tests in one process, where they run side by side: by their paths.

    The marks that the library has for this do nothing with pytest 9.2 (pytest-xdist, issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.startswith("tests/helpers/"):
            return "tests/helpers"  # they take the usual ports
        return path if path in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling | None:
    """Say who decides where a test runs."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure the coverage of a test, or do not."""
    measuring = Coverage.current()
    if measuring is None or not item.nodeid.startswith(UNMEASURED):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            patch.delenv(name)
        measuring.stop()
        try:
            return (yield)
        finally:
            measuring.start()


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_this_machine() -> Iterator[None]:
    """No variable of ours, whatever was exported: what `make up` prints as advice would lead tests to that broker."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("DISPATCHER_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    paths = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(paths.ca))
    issued.cert_chain_pems[0].write_to_path(str(paths.cert))
    issued.private_key_pem.write_to_path(str(paths.key))
    return paths


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Node]:
    """A running RabbitMQ that is ours alone, with TLS as well."""
    files = {"ca": certificates.ca, "cert": certificates.cert, "key": certificates.key}
    node = Node(tmp_path_factory.mktemp("rabbitmq"), tls=files)
    node.start()
    yield node
    node.remove()


@pytest.fixture
def log_of_its_own() -> Iterator[None]:
    """The log of the process is after the test what it was before, however it was set up meanwhile."""
    loggers = [logging.getLogger(name) for name in (None, *QUIET)]
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def management(node: Node) -> Management:
    return Management(node)


@pytest.fixture
async def virtual_host(management: Management) -> AsyncIterator[str]:
    """A virtual host for one test, where the queues can have their real names."""
    name = f"test-{uuid4().hex[:8]}"
    await management.add_virtual_host(name)
    yield name
    await management.remove_virtual_host(name)


@pytest.fixture
def queue() -> str:
    """The name of a work queue that no other test uses."""
    return f"test-{uuid4().hex[:8]}"
