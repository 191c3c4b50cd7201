"""A real Slurm cluster on this machine, started and ended by the tests: one controller, and nodes
that are daemons with ports of their own. It keeps no accounts, so ``sacct`` says nothing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.waiting import until

NODES = ("n1", "n2")
CPUS, MEMORY_MB = 2, 4096
"""Of each node, whatever the machine has."""

KILL_WAIT_S = 5
"""Between SIGTERM and SIGKILL of a job that is cancelled."""

NODE_TIMEOUT_S = 10
"""After such a silence a node is taken for dead, and its jobs are queued again."""

CONFIGURATION = """
ClusterName=dato
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={home}/state
SlurmctldPidFile={home}/slurmctld.pid
SlurmdSpoolDir={home}/%n
SlurmdPidFile={home}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MailProg=/bin/true
ReturnToService=2
KillWait={kill_wait}
SlurmdTimeout={node_timeout}
NodeName=DEFAULT CPUs={cpus} RealMemory={memory}
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_ports}
PartitionName=test Nodes=ALL Default=YES State=UP
"""


@dataclass
class SlurmCluster:
    """One cluster.

    Args:
        tools: the daemons.
        home: folder of its configuration, state and logs, which other users may enter.
        ports: of the controller, then of each node.
    """

    tools: Mapping[str, Path]
    home: Path
    ports: Sequence[int]
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def configuration(self) -> Path:
        return self.home / "slurm.conf"

    def create(self) -> None:
        """Write the configuration and a key that nobody else has."""
        self.home.chmod(0o755)  # munged wants its socket to be within everybody's reach
        for name in ("munge", "state", *NODES):
            (self.home / name).mkdir()
        key = self.home / "munge" / "key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        text = CONFIGURATION.format(
            host=socket.gethostname(),
            user=pwd.getpwuid(os.geteuid()).pw_name,
            home=self.home,
            ports=self.ports,
            nodes=",".join(NODES),
            node_ports=",".join(map(str, self.ports[1:])),
            cpus=CPUS,
            memory=MEMORY_MB,
            kill_wait=KILL_WAIT_S,
            node_timeout=NODE_TIMEOUT_S,
        )
        self.configuration.write_text(text.lstrip())

    def start(self) -> None:
        """Start every daemon, and wait until all nodes are idle."""
        munge = self.home / "munge"
        files = {"key": "key", "socket": "socket", "pid": "pid", "log": "log", "seed": "seed"}
        options = [
            f"--{name}{'' if name == 'socket' else '-file'}={munge / file}"
            for name, file in files.items()
        ]
        self._start("munged", "munged", "--foreground", *options)
        until((munge / "socket").exists, "munged opens its socket", log=self.log)
        self._start("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)

    def start_node(self, node: str) -> None:
        """Start a node's daemon, and wait until jobs may run there."""
        self._start(node, "slurmd", "-D", "-N", node)
        until(lambda: self.state(node) == "idle", f"{node} is idle", log=self.log)

    def kill_node(self, node: str) -> None:
        """What a power cut does: nothing of the node is left, and nobody is told."""
        with_jobs = {pid for pid in _processes() if f"SLURMD_NODENAME={node}" in _environment(pid)}
        keepers = {_parent(pid) for pid in with_jobs}
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        for pid in [*(pid for pid in keepers if _name(pid) == "slurmstepd"), *with_jobs]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def state(self, node: str) -> str:
        """Such as ``idle`` or ``down``; empty where nobody answers."""
        return self.run("sinfo", "--noheader", "--format=%t", f"--nodes={node}").strip(" \n*~#")

    def queue(self) -> list[str]:
        """The jobs that have not ended, one line each."""
        return self.run("squeue", "--noheader", "--array", "--format=%i %T %N %j").splitlines()

    def run(self, *command: str) -> str:
        """What a tool of Slurm's prints; nothing where it fails."""
        environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        return done.stdout if done.returncode == 0 else ""

    def cancel(self, job: str) -> None:
        self.run("scancel", job)

    def clear(self) -> None:
        """Cancel whatever is left, and wait until it is gone."""
        if self.queue():
            self.run("scancel", f"--user={os.geteuid()}")
        until(lambda: not self.queue(), "the queue is empty", log=self.log)

    def leftovers(self) -> list[str]:
        """Processes of jobs, whatever the queue says."""
        found = []
        for pid in _processes():
            environment, name = _environment(pid), _name(pid)
            ours = f"SLURM_CONF={self.configuration}" in environment
            if ours and ("SUBMITIT_EXECUTOR=slurm" in environment or name == "slurmstepd"):
                found.append(name)
        return found

    def stop(self) -> None:
        for name in ("slurmctld", *NODES, "munged"):
            if name in self.daemons:
                daemon = self.daemons.pop(name)
                daemon.terminate()
                try:
                    daemon.wait(30)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()

    def log(self) -> str:
        """The last lines of every daemon."""
        logs = sorted(self.home.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in logs)

    def _start(self, name: str, tool: str, *arguments: str) -> None:
        environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        with (self.home / f"{name}.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                [str(self.tools[tool]), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.home,
                start_new_session=True,  # the tests' own Ctrl-C is not theirs
            )


def _processes() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").glob("[0-9]*"))


def _environment(pid: int) -> set[str]:
    try:
        return set(Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0"))
    except OSError:
        return set()


def _status(pid: int, name: str) -> str:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(maxsplit=1)[1] for line in lines if line.startswith(f"{name}:")), "")


def _name(pid: int) -> str:
    return _status(pid, "Name")


def _parent(pid: int) -> int:
    return int(_status(pid, "PPid") or 0)


def _tools() -> dict[str, Path]:
    """The daemons of this machine; they lie where only root looks by itself."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = {name: shutil.which(name, path=path) for name in ("munged", "slurmctld", "slurmd")}
    return {name: Path(tool) for name, tool in found.items() if tool is not None}


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[SlurmCluster]:
    """A running cluster, which the environment names to Slurm's tools."""
    tools = _tools()
    if len(tools) < 3:
        pytest.skip("needs Slurm's daemons (apt-get install slurm-wlm munge)")
    with tempfile.TemporaryDirectory(prefix="dato-slurm-") as home, ExitStack() as sockets:
        free = [sockets.enter_context(socket.socket()) for _ in range(1 + len(NODES))]
        for each in free:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in free]
        sockets.close()
        cluster = SlurmCluster(tools, Path(home), ports)
        cluster.create()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", str(cluster.configuration))
            try:
                cluster.start()
                yield cluster
                cluster.clear()
            finally:
                cluster.stop()


@pytest.fixture
def slurm(running_cluster: SlurmCluster) -> Iterator[SlurmCluster]:
    """The cluster with an empty queue, before and after a test."""
    running_cluster.clear()
    try:
        yield running_cluster
    finally:
        running_cluster.clear()
