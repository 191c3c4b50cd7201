"""A journal cut anywhere is a shorter study, not a broken one."""

from __future__ import annotations

import random
from pathlib import Path

from search.records.folder import StudyFolder
from search.settings import StorageSettings
from search.space import Space, SpaceContext
from search.study.storage import read_study
from search.study.trial_records import read_records
from tests.search.study.test_search_loop import make_driver, run


def test_what_was_recorded_before_the_cut_is_there_and_the_study_goes_on(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    run(make_driver(whole, space, context), trials=4)
    journal = StudyFolder(whole).journal.read_bytes()
    full = read_records(read_study(StudyFolder(whole), StorageSettings(kind="journal")))
    source = random.Random(0)
    lines = [place + 1 for place, byte in enumerate(journal) if byte == 10]
    cuts = {0, 1, *source.sample(lines, 12), *source.sample(range(len(journal)), 12)}
    for cut in sorted(cuts):
        folder = tmp_path / str(cut)
        folder.mkdir()
        StudyFolder(folder).journal.write_bytes(journal[:cut])
        driver = make_driver(folder, space, context)
        kept = read_records(driver.study)
        assert kept == full[: len(kept)]
        run(driver, trials=6)
        records = read_records(driver.study)
        assert records[: len(kept)] == kept
        assert sum(not record.lost for record in records) == 6
