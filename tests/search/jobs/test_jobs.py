"""What a study says of jobs that told nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.jobs.jobs import Jobs
from search.records.folder import StudyFolder
from search.settings.compose import compose_config

pytest.importorskip("submitit")


@pytest.mark.parametrize("executor", ["debug", "local"])
def test_a_job_that_could_not_begin_says_why(tmp_path: Path, executor: str) -> None:
    wanted = ["storage=postgres", "storage.url=postgresql://me@127.0.0.1:9/db", "launcher=slurm"]
    config = compose_config([*wanted, f"launcher.executor={executor}"])
    jobs = Jobs(config, StudyFolder(tmp_path))  # holds no study
    jobs.submit([0, 1])
    while len(jobs.ended()) < 2:
        pass
    message = str(jobs.failure())
    assert "is not a study folder" in message and "dato-search resume" in message
