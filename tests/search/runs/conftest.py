"""Servers that the launchers' tests run on."""

from __future__ import annotations

from tests.postgres import postgres as postgres
from tests.slurm import running_cluster as running_cluster
from tests.slurm import slurm as slurm
