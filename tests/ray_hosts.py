"""A real Ray cluster of several hosts: network namespaces of this machine, each with an address and
processes of its own, on a switch that nothing else is connected to."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.waiting import until

COUNT = 3
PORT = 6379
TOKEN = "0123456789abcdef" * 2
STORE = 100_000_000
"""Bytes of each host's object store, which would otherwise take a third of the memory."""


@dataclass
class RayHosts:
    """Hosts 1 to :data:`COUNT`; the first is the head, and has no CPU for workers.

    Args:
        home: folder of Ray's own files.
        prefix: of the namespaces' names.
    """

    home: Path
    prefix: str
    environment: dict[str, str] = field(default_factory=dict)

    def create(self) -> None:
        """Make the hosts, and connect them."""
        switch = self.name(0)
        self._ip("netns", "add", switch)
        self._ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        self._ip("-n", switch, "link", "set", "bridge", "up")
        for host in range(1, COUNT + 1):
            name, port = self.name(host), f"port{host}"
            self._ip("netns", "add", name)
            pair = ["type", "veth", "peer", "name", "eth0", "netns", name]
            self._ip("-n", switch, "link", "add", port, *pair)
            self._ip("-n", switch, "link", "set", port, "master", "bridge", "up")
            self._ip("-n", name, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                self._ip("-n", name, "link", "set", link, "up")
        self.environment = os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            # A node that falls silent is taken for dead after a few seconds.
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_timeout_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
        }

    def name(self, host: int) -> str:
        return f"{self.prefix}-{host}"

    def address(self, host: int) -> str:
        return f"10.77.0.{host}"

    def start(self, host: int) -> None:
        """Start Ray on a host: one CPU on each but the head."""
        head = ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={self.home}"]
        there = head if host == 1 else [f"--address={self.address(1)}:{PORT}"]
        own = [f"--node-ip-address={self.address(host)}", f"--num-cpus={int(host != 1)}"]
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--disable-usage-stats"]
        command = self.on(host, *ray, *there, *own, f"--object-store-memory={STORE}")
        done = self.run(command, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
        """What Ray starts keeps its standard streams, so the output goes to files."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            done = subprocess.run(
                command, stdout=out, stderr=errors, env=self.environment, timeout=timeout
            )
            out.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, out.read(), errors.read())

    def on(self, host: int, *command: str) -> list[str]:
        """The command, on a host."""
        return ["ip", "netns", "exec", self.name(host), *command]

    def processes(self, host: int) -> list[int]:
        return [int(pid) for pid in self._ip("netns", "pids", self.name(host)).split()]

    def kill(self, host: int) -> None:
        """What a power cut does: all of the host's processes are gone, and nobody is told."""
        for pid in self.processes(host):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self.processes(host), f"host {host} is gone")

    def unplug(self, host: int) -> None:
        """The host works on, and nobody hears of it."""
        self._ip("-n", self.name(0), "link", "set", f"port{host}", "down")

    def plug(self, host: int) -> None:
        self._ip("-n", self.name(0), "link", "set", f"port{host}", "up")

    def stop(self) -> None:
        for host in range(COUNT, -1, -1):
            with suppress(subprocess.CalledProcessError):
                self.kill(host)
                self._ip("netns", "del", self.name(host))

    def _ip(self, *arguments: str) -> str:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
        return done.stdout


def _missing() -> str:
    if importlib.util.find_spec("ray") is None:
        return "needs ray (pip install 'dato[ray]')"
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "hosts of their own need root and iproute2"
    trial = f"dato-trial-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", trial], capture_output=True).returncode:
        return "this kernel lets nobody make a network namespace"
    subprocess.run(["ip", "netns", "del", trial], check=True)
    return ""


@pytest.fixture(scope="session")
def ray_hosts() -> Iterator[RayHosts]:
    """Hosts, the head of which runs Ray; tests start the others and leave none running."""
    if missing := _missing():
        pytest.skip(missing)
    # A short name: Ray's sockets lie below it, and their paths may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as home:
        hosts = RayHosts(Path(home), f"dato-{os.getpid()}")
        try:
            hosts.create()
            hosts.start(1)
            yield hosts
        finally:
            hosts.stop()
