"""Faults that are really injected: killed processes, full disks, missing networks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres import postgres as postgres
from tests.ray_hosts import ray_hosts as ray_hosts
from tests.search.recorded_study import folder as folder
from tests.search.recorded_study import result as result
from tests.search.study.conftest import context as context
from tests.search.study.conftest import space as space
from tests.search.tiny_generator import generator as generator
from tests.search.tiny_generator import tiny_folder as tiny_folder
from tests.slurm import running_cluster as running_cluster
from tests.slurm import slurm as slurm


def in_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked process. Returns its wait status: 9 when it was killed with -9."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    return os.waitpid(child, 0)[1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB; ``mount -o remount,size=...`` makes it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    root = os.geteuid() == 0 and shutil.which("mount") is not None
    if not root or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system of its own needs root and the right to mount")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
