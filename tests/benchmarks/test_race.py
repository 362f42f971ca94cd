"""Small rounds, with those contenders that need no library of others."""

import subprocess
import sys

import pytest

from benchmarks import contenders, processes, race
from benchmarks.race import Errand
from benchmarks.sink import SlowSink
from benchmarks.stage import Stage

BURN = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); print(1, flush=True); input()"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage") / "stage") as stage:
        yield stage


@pytest.mark.parametrize("name", [contenders.OURS, contenders.PLAIN])
def test_a_round_counts_each_mail_and_its_price(stage, name):
    result = race.run(stage, contenders.named(name), 1, Errand(mails=60, warm_up=5))

    assert result.mails == 60
    assert result.rate > 1
    assert 0 < result.cpu < 60
    assert 0 < result.largest <= 500


def test_a_slow_server_bounds_one_mail_at_a_time(stage):
    errand = Errand(mails=10, warm_up=2, server=lambda: SlowSink(50))
    result = race.run(stage, contenders.named(contenders.PLAIN), 1, errand)

    assert 1 < result.rate <= 20


def test_the_cpu_time_of_children_that_ended_counts():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        parent.stdout.readline()  # said after its child has ended
        family = processes.family([parent.pid])
        spent = processes.cpu_seconds(family)
        parent.communicate(b"\n")

    assert [parent.pid] == family
    assert spent >= 0.25
