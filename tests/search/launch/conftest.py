"""The tiny pipeline of the evaluation's tests."""

from __future__ import annotations

from tests.postgres import postgres as postgres
from tests.search.evaluate.conftest import generator as generator
from tests.search.evaluate.conftest import tiny_folder as tiny_folder
from tests.slurm import running_cluster as running_cluster
from tests.slurm import slurm as slurm
