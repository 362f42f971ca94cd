"""A private node keeps what is durable, and leaves nothing behind."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pika
import pytest
import trustme

from helpers import handshake, processes
from helpers.node import ROOT, Node
from helpers.node_programs import NodeFailure
from helpers.ports import free_port, is_free
from tests.helpers.left_behind import left_behind, nothing_left
from tests.management import memory_alarm

PERSISTENT = pika.BasicProperties(delivery_mode=2)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A node below a path that shell scripts trip over, with TLS."""
    folder = tmp_path_factory.mktemp("node") / "a folder, ümlaut & co"
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    tls = {name: folder.parent / f"{name} file.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(tls["ca"])
    issued.cert_chain_pems[0].write_to_path(tls["cert"])
    issued.private_key_pem.write_to_path(tls["key"])
    node = Node(folder, tls=tls, management=False, extra_config="channel_max = 77")
    node.start()
    yield node
    node.remove()


def publish(node, queue):
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", queue, b"kept", PERSISTENT, mandatory=True)


def fetch(node, queue):
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        channel = connection.channel()
        return channel.basic_get(queue, auto_ack=True)[2]


def test_a_started_node_serves(own):
    """When `start` returns, a client can log in, over TLS too, and the extra lines are in force."""
    assert own.running
    assert handshake.welcomes(own.url)
    assert handshake.speaks(f"amqps://localhost:{own.tls_port}/")
    assert "{channel_max,77}" in own.ctl("environment")


def test_a_login_that_is_wrong_is_not_welcome(own):
    """An open port and a greeting are not enough."""
    assert not handshake.welcomes(own.url.replace("guest:guest", "guest:wrong"), timeout=0.5)
    assert not handshake.welcomes(own.url + "no-such-host")
    assert handshake.speaks(own.url.replace("guest:guest", "guest:wrong"))


def test_a_durable_message_survives(own):
    """Ended in order or killed: the same message is there at the same address, and nothing ran meanwhile."""
    address = own.url
    # One queue for both: RabbitMQ may forget a queue that was made just before a power cut.
    for ending in (own.stop, own.kill):
        publish(own, "kept")

        ending()

        assert not own.running
        assert is_free(own.amqp_port)
        assert nothing_left(own.folder), left_behind(own.folder)
        own.start()
        assert own.url == address
        assert fetch(own, "kept") == b"kept"


def test_starting_twice_is_starting_once(own):
    """A node that runs is left as it is."""
    before = (own.folder / "node.json").read_text()

    own.start()

    assert (own.folder / "node.json").read_text() == before


def test_a_node_can_be_told_something(own):
    """`rabbitmqctl` means this node and no other; what it cannot do is an error with its words."""
    assert own.ctl("-q", "eval", "node().").strip("'\n") == own.environment()["RABBITMQ_NODENAME"]

    with pytest.raises(NodeFailure, match="no-such-user"):
        own.ctl("change_password", "no-such-user", "password")


async def test_an_alarm_ends_as_it_began(own):
    """The limit of memory is afterwards what the node was configured with."""
    limit = ("-q", "eval", "{vm_memory_monitor:get_vm_memory_high_watermark(), rabbit_alarm:get_alarms()}.")
    before = own.ctl(*limit)

    async with memory_alarm(own):
        assert "resource_limit,memory" in own.ctl(*limit)

    assert own.ctl(*limit) == before
    assert "absolute" in before


def test_a_node_dies_with_its_program(tmp_path):
    """Where the program that started it is killed, nothing stays behind."""
    folder = tmp_path / "orphan node"
    script = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from helpers.node import Node
Node(Path({str(folder)!r}), management=False).start()
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "started\n"
        assert Node(folder).running
        program.send_signal(signal.SIGKILL)

    assert processes.await_that(lambda: not Node(folder).running, 5)
    assert nothing_left(folder), left_behind(folder)


def test_a_node_that_cannot_start_says_why(tmp_path):
    """The failure shows the end of the log, and nothing runs afterwards."""
    node = Node(tmp_path / "node", extra_config="no_such_setting = 1")

    with pytest.raises(NodeFailure, match="no_such_setting"):
        node.start()

    assert nothing_left(node.folder)
    node.remove()
    assert not node.folder.exists()


def test_without_a_server_the_failure_says_what_to_run(tmp_path, monkeypatch):
    """No RabbitMQ on this machine is a sentence."""
    monkeypatch.delenv("RABBITMQ_ROOT", raising=False)
    monkeypatch.setattr("helpers.node_programs.find_server", lambda: None)

    with pytest.raises(NodeFailure, match=r"helpers/rabbitmq\.py install"):
        Node(tmp_path).start()


def test_a_process_is_never_confused_with_a_later_one():
    """The same id with another time of start is another process, and is left alone."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        right = processes.Identity.of(process.pid)
        processes.Identity(process.pid, "another time").end()
        assert process.poll() is None
        assert right.runs()

        right.end()

        assert not right.runs()
        assert process.wait() == -signal.SIGTERM


def test_what_does_not_want_to_end_is_killed():
    """SIGTERM ignored: SIGKILL after the patience."""
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        start = time.monotonic()

        processes.Identity.of(process.pid).end(patience=0.2)

        assert process.wait() == -signal.SIGKILL
        assert time.monotonic() - start < 5


def test_a_port_that_is_taken_is_not_chosen():
    """And none of those that outgoing connections get."""
    port = free_port()

    assert port < 32768
    assert free_port(port) == port
    assert free_port(port, besides=[port]) != port


def test_two_nodes_that_want_the_usual_ports_at_the_same_time_both_come_up(tmp_path):
    """Whoever is slower takes others, rather than believe that the quicker one is itself."""
    nodes = [Node(tmp_path / name, usual_ports=True, management=False) for name in "ab"]
    nodes[1]._ports = dict(nodes[0]._ports)  # as if both had looked before either was there
    nodes[1]._tell_ports()
    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(Node.start, nodes))

        assert nodes[0].amqp_port != nodes[1].amqp_port
        for node in nodes:
            assert handshake.welcomes(node.url, node=node._name.partition("@")[0])
    finally:
        for node in nodes:
            node.remove()
