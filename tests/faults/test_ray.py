"""Nodes of a real Ray cluster that die, fall silent, come late or never."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from search.cli.main import main
from tests.faults.studies import records, running
from tests.ray_hosts import PORT, RayHosts
from tests.search.cli.test_study_life import SMALL
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE_S = 400
IMAGES = ("quality.images=16", "quality.rung_images=8", "budget.trials=6", "sampler=random")


@pytest.fixture
def hosts(ray_hosts: RayHosts) -> Iterator[RayHosts]:
    """Two hosts of one CPU each beside the head."""
    for host in (2, 3):
        ray_hosts.start(host)
    try:
        yield ray_hosts
    finally:
        for host in (2, 3):
            ray_hosts.kill(host)
            ray_hosts.plug(host)


def sweep(
    hosts: RayHosts, folder: Path, *overrides: str, at_trial_2: Callable[[], None]
) -> tuple[str, str]:
    """Run a sweep on the head. Returns what it said."""
    command = [sys.executable, "-m", "search", "sweep", "--plain", f"study.folder={folder}"]
    cluster = ["launcher=ray", f"launcher.address={hosts.address(1)}:{PORT}"]
    process = subprocess.Popen(
        hosts.on(1, *command, *SMALL, *IMAGES, *cluster, *overrides),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=hosts.environment,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("[2/"):
            until(lambda: running(folder), "the next trial is at work")
            at_trial_2()
            break
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    return said + out, errors


def test_a_node_that_dies_or_falls_silent_costs_no_trial_and_changes_none(
    hosts: RayHosts, tmp_path: Path
) -> None:
    alone, killed, unplugged = (tmp_path / name for name in ("alone", "killed", "unplugged"))
    serial = ["sweep", "--plain", f"study.folder={alone}", *SMALL, *IMAGES, "launcher=serial"]
    assert main(serial) == 0
    table = f"latency.tables=[{alone / 'cost_table.json'}]"
    sweep(hosts, killed, table, at_trial_2=partial(hosts.kill, 3))
    hosts.start(3)
    sweep(hosts, unplugged, table, at_trial_2=partial(hosts.unplug, 3))
    expected = records(alone)
    assert {record.state for record in expected} <= {"complete", "pruned"}
    for folder in (killed, unplugged):
        found = records(folder)
        assert [r.params for r in found] == [r.params for r in expected]
        assert [r.quality for r in found] == [r.quality for r in expected]
        assert (folder / "report.html").is_file()


DRIVER = """
import json, os, sys
from pathlib import Path
from search.errors import UserError
from search.workers.ray_pool import RayPool
from tests.search.model.tiny import HELDOUT, SEARCH, tiny_config

class Pool(RayPool):
    gather_s = 1.0
    nobody_s = 20.0

def say(**values):
    print(json.dumps(values), flush=True)
    sys.stdin.readline()

try:
    with Pool(tiny_config(Path(sys.argv[1])), SEARCH, HELDOUT, 2, address=sys.argv[2]) as pool:
        say(absent=pool.absent)
        pool.generate(UNPATCHED, range(8))
        say(absent=pool.absent)
        for _ in range(200):
            pool.generate(UNPATCHED, range(8))
            if not pool.absent:
                break
        say(absent=pool.absent)
        while True:
            pool.generate(UNPATCHED, range(8))
except UserError as error:
    print(json.dumps({"error": str(error)}), flush=True)
"""


def test_a_study_begins_with_who_is_there_and_ends_when_nobody_is(
    ray_hosts: RayHosts, tiny_folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    ray_hosts.start(2)
    address = f"{ray_hosts.address(1)}:{PORT}"
    driver = subprocess.Popen(
        ray_hosts.on(1, sys.executable, str(script), str(tiny_folder), address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ray_hosts.environment | {"PYTHONPATH": os.getcwd()},
    )
    assert driver.stdin is not None and driver.stdout is not None

    def said() -> dict[str, object]:
        assert driver.stdout is not None
        line = next(line for line in driver.stdout if line.startswith("{"))  # not Ray's own words
        values: dict[str, object] = json.loads(line)
        return values

    def go_on() -> None:
        assert driver.stdin is not None
        driver.stdin.write("\n")
        driver.stdin.flush()

    try:
        assert said() == {"absent": 1}
        go_on()
        assert said() == {"absent": 1}
        ray_hosts.start(3)
        go_on()
        assert said() == {"absent": 0}
        go_on()
        ray_hosts.kill(2)
        ray_hosts.kill(3)
        assert "No worker has started for 20s" in str(said()["error"])
        assert driver.wait(60) == 0
    finally:
        driver.kill()
        driver.communicate()
        for host in (2, 3):
            ray_hosts.kill(host)
