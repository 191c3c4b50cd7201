"""Opens a study's driver, in the process that started a sweep or in one of several jobs."""

from __future__ import annotations

import hashlib
import json

from search.errors import UserError
from search.model.cost_setting import Place
from search.preparation.instruments import Instruments
from search.records.folder import StudyFolder
from search.records.reading import read_text
from search.settings import Config
from search.study.refine import Refiner
from search.study.search_loop import Driver
from search.study.storage import STRIDE, begun, open_study, other_drivers

MEASURED = "measured_with"
"""Attribute of a server's study: a digest of what its trials are measured with."""

OWN = ("study", "storage", "budget", "tracker", "launcher", "tune")
"""Groups of settings in which the drivers of one study may differ."""


def open_driver(instruments: Instruments, worker: int = 0) -> Driver:
    """Open the study's storage, with a driver of its own sampler.

    Args:
        worker: number of this driver among those of the study.

    Raises:
        UserError: the storage cannot be used, or a server's study was measured differently.
    """
    config, seed = instruments.config, instruments.config.study.seed
    study = open_study(instruments.folder, config.storage, config.sampler, seed, worker)
    study.sampler = Refiner(
        study.sampler,
        instruments.space,
        instruments.context,
        config.sampler.refine,
        seed + STRIDE * worker + begun(study),
    )
    driver = Driver(
        study,
        instruments.space,
        instruments.context,
        instruments.evaluator,
        config.quality.objective,
        instruments.constraints(),
        other_drivers(study, config.storage),
    )
    if config.storage.kind == "postgres":
        require_same_place(instruments.pool.description.place, instruments.evaluator.table.place)
        with driver.others.turn():
            _require_same_measure(driver, measured_with(config, instruments.folder))
    return driver


def measured_with(config: Config, folder: StudyFolder) -> str:
    """Digest of what drivers must share so that their trials compare: the settings, the cost table
    and the reference's drift."""
    settings = config.model_dump(mode="json", exclude=set(OWN)) | {"seed": config.study.seed}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in (folder.cost_table, folder.reference):
        digest.update(read_text(path, "Start the study anew.").encode())
    return digest.hexdigest()


def require_same_place(here: Place, study: Place) -> None:
    """Raise :class:`UserError` unless this driver runs on the device of the study's cost table:
    images of different devices do not compare.
    """
    if here != study:
        raise UserError(
            f"This driver runs on {here.label}, but the study's latencies are of {study.label}. "
            "Run all drivers of a study on devices of one type (in Slurm: by "
            "launcher.job.constraint), or start a new study here."
        )


def _require_same_measure(driver: Driver, measure: str) -> None:
    study = driver.study
    known = study.user_attrs.get(MEASURED)
    if known is None or not study.get_trials(deepcopy=False):
        study.set_user_attr(MEASURED, measure)
    elif known != measure:
        raise UserError(
            f"The server holds a study named {study.study_name!r} with other settings or another "
            "cost table, so its trials do not compare with this folder's. Resume it from its own "
            "folder, or choose another storage.study."
        )
