"""How many processes there are where nobody says."""

import os
from pathlib import Path

import pytest

from dispatcher.crew.cores import usable_cores

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("cpu.max", "max 100000\n", ALL),
        ("cpu.max", "50000 100000\n", 1),
        ("cpu.max", "100000 100000\n", 1),
        ("cpu.max", "6400000 100000\n", min(ALL, 64)),
        ("cpu.max", "nonsense\n", ALL),
        ("elsewhere", "", ALL),
    ],
)
def test_a_container_gets_no_more_than_its_share(tmp_path: Path, file: str, text: str, expected: int):
    (tmp_path / file).write_text(text)

    assert expected == usable_cores(tmp_path)


@pytest.mark.parametrize(("quota", "expected"), [("-1", ALL), ("20000", 1)])
def test_so_does_one_with_control_groups_of_the_first_version(tmp_path: Path, quota: str, expected: int):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")

    assert expected == usable_cores(tmp_path)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"), [("max 100000", "100000 100000", 1), ("100000 100000", "max 100000", 1)]
)
def test_a_service_gets_no_more_than_its_own_share_and_that_of_those_around_it(
    tmp_path: Path, outer: str, inner: str, expected: int
):
    service = tmp_path / "system.slice" / "dispatcher.service"
    service.mkdir(parents=True)
    (service.parent / "cpu.max").write_text(outer)
    (service / "cpu.max").write_text(inner)
    membership = tmp_path / "membership"
    membership.write_text("1:name=systemd:/\n0::/system.slice/dispatcher.service\n")

    assert expected == usable_cores(tmp_path, membership)


def test_so_does_one_in_control_groups_of_the_first_version(tmp_path: Path):
    folder = tmp_path / "cpu" / "docker" / "17"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("100000")
    (folder / "cpu.cfs_period_us").write_text("100000")
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/docker/17\n1:cpu,cpuacct:/docker/17\n")

    assert 1 == usable_cores(tmp_path, membership)


def test_what_others_may_use_is_nothing_to_us(tmp_path: Path):
    (tmp_path / "other.slice").mkdir()
    (tmp_path / "other.slice" / "cpu.max").write_text("50000 100000")
    membership = tmp_path / "membership"
    membership.write_text("0::/system.slice\n")

    assert ALL == usable_cores(tmp_path, membership)


@pytest.mark.parametrize("text", ["", "nonsense", "0::/../../elsewhere"])
def test_who_cannot_tell_its_control_group_uses_all_cores(tmp_path: Path, text: str):
    membership = tmp_path / "membership"
    membership.write_text(text)

    assert ALL == usable_cores(tmp_path, membership)


def test_a_process_that_is_bound_to_one_core_uses_one(tmp_path: Path):
    bound = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(bound)})

        assert 1 == usable_cores(tmp_path)
    finally:
        os.sched_setaffinity(0, bound)
