"""Weights & Biases: this file and the one of its media import it, and no others.

By default it is offline and writes everything into the study folder; ``wandb sync`` uploads it
later. A resumed study keeps its run id. Online, W&B itself goes on with the run. Offline, W&B
cannot append to a run directory. So each session writes a directory of its own with all trials, and
once one session has finished, the earlier directories are moved to ``wandb/superseded``. What is
left to sync is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from search.records.folder import StudyFolder
from search.records.names import slug
from search.records.progress import Progress
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.tracking.summary import (
    gains,
    member_metadata,
    metrics,
    roles,
)
from search.tracking.wandb_folders import (
    Environment,
    directories,
    has_trial_run,
    offline_runs,
    run_id,
    study_name,
    supersede,
    trial_run_id,
)
from search.tracking.wandb_media import media_of

INIT_SECONDS = 30


class WandbTracker:
    """One W&B run for one study.

    Args:
        online: upload while the study runs; otherwise write an offline run.
        project, entity: where W&B files the run.
        per_trial: also a light run for each trial, with its parameters as its configuration.
    """

    _left_open: ClassVar[dict[str, Any]] = {}
    """Runs, by id, that this process began and that an interruption left open."""

    def __init__(
        self, *, online: bool, project: str, entity: str | None, per_trial: bool = False
    ) -> None:
        self._online, self._project, self._entity = online, project, entity
        self._per_trial = per_trial
        self._folder: StudyFolder | None = None
        self._run: Any = None
        self._environment: Environment | None = None
        self._earlier: tuple[Path, ...] = ()
        self._logged: set[int] = set()
        self._uploaded = -1
        self._progress = Progress("fid_real")

    def start(self, *, name: str, config: Mapping[str, object], folder: StudyFolder) -> None:
        """Open the run, or go on with the one that the study folder names."""
        folder.wandb.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._logged, self._progress = set(), Progress(_objective(config))
        self._environment = Environment(directories(folder))
        try:
            self._earlier = () if self._online else offline_runs(folder)
            self._run = self._open(name, config, folder)
            known = self._run.summary.get("trial") if self._run.resumed else None
            self._uploaded = known if isinstance(known, int) else -1
        except BaseException:
            self._environment.restore()
            raise

    def _open(self, name: str, config: Mapping[str, object], folder: StudyFolder) -> Any:
        key = run_id(folder)
        if (left := self._left_open.pop(key, None)) is not None:
            left.finish()
        group = study_name(name, key)
        run = self._init(folder, key=key, name=name, group=group, job_type="study", config=config)
        self._left_open[key] = run
        run.define_metric("trial", hidden=True)
        run.define_metric("*", step_metric="trial")
        return run

    def _init(
        self,
        folder: StudyFolder,
        *,
        key: str,
        name: str,
        group: str,
        job_type: str,
        config: Mapping[str, object],
    ) -> Any:
        import wandb

        settings = wandb.Settings(
            console="off",
            silent=True,
            disable_git=True,
            save_code=False,
            init_timeout=INIT_SECONDS,
            login_timeout=INIT_SECONDS,
            x_disable_stats=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        )
        return wandb.init(
            id=key,
            name=name,
            group=group,
            job_type=job_type,
            project=self._project,
            entity=self._entity,
            config=dict(config),
            mode="online" if self._online else "offline",
            resume="allow" if self._online else None,
            dir=str(folder.root.resolve()),
            reinit="create_new",
            settings=settings,
        )

    def trial(self, record: TrialRecord) -> None:
        """Log one trial at its own step."""
        if record.number in self._logged:
            return
        self._logged.add(record.number)
        front = self._progress.add(record)
        if record.number > self._uploaded:
            self._run.log(metrics(record, front))
            self._trial_run(record)

    def _trial_run(self, record: TrialRecord) -> None:
        """A run of its own for a trial, unless an earlier session wrote it."""
        folder = self._folder
        if not self._per_trial or folder is None or has_trial_run(folder, record.number):
            return
        run = self._init(
            folder,
            key=trial_run_id(folder, record.number),
            name=f"trial-{record.number}",
            group=self._run.group,
            job_type="trial",
            config=record.params,
        )
        run.summary.update(metrics(record, None))
        run.finish()

    def finish(self, result: StudyResult, folder: StudyFolder) -> None:
        """Log table, plots, samples and presets, and close the run."""
        try:
            for record in result.records:
                if record.state != "running":
                    self.trial(record)
            self._run.config.update(
                {"device": result.device, "versions": dict(result.versions)}, allow_val_change=True
            )
            self._run.log(media_of(result, folder))
            self._run.summary.update(gains(result))
            self._log_presets(result, folder)
            self._run.finish()
            self._left_open.pop(self._run.id, None)
            supersede(self._earlier, folder)
        finally:
            if self._environment is not None:
                self._environment.restore()

    def _log_presets(self, result: StudyResult, folder: StudyFolder) -> None:
        """One version of the study's artifact for each member, found by its alias."""
        import wandb

        aliases = roles(result)
        for member in result.front:
            path = folder.presets / f"{member.name}.json"
            if path.parent != folder.presets or not path.is_file():
                continue
            artifact = wandb.Artifact(
                f"{slug(study_name(result.name, self._run.id))}-preset",
                type="preset",
                metadata=member_metadata(member, result.device),
            )
            artifact.add_file(str(path), name=path.name)
            self._run.log_artifact(artifact, aliases=[member.name, *aliases.get(member.name, ())])


def _objective(config: Mapping[str, object]) -> str:
    quality = config.get("quality")
    objective_name = quality.get("objective") if isinstance(quality, Mapping) else None
    return objective_name if isinstance(objective_name, str) else "fid_real"
