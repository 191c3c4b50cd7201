"""One driver per study."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from search.errors import UserError
from search.records.folder import StudyFolder
from search.study.lock import study_lock


def test_a_second_driver_is_refused_and_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from pathlib import Path\n"
        "from search.records.folder import StudyFolder\n"
        "from search.study.lock import study_lock\n"
        "with study_lock(StudyFolder(Path(sys.argv[1]))): print('held', flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match="Another process is running"),
            study_lock(StudyFolder(tmp_path)),
        ):
            pass
        holder.kill()
        holder.wait()
    with study_lock(StudyFolder(tmp_path)):
        pass
    assert not list(tmp_path.iterdir())  # it is no study
