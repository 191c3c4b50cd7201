"""Keeps a study to the inputs that it began with, by their content.

Kept images, drifts and scores are of those inputs. Compared with images of others they would give
numbers that mean nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from search.calibration.prompts import calibration_workload
from search.errors import UserError
from search.model.description import ModelDescription
from search.model.prompt_sources import EMBEDDED, read_prompts
from search.model.prompts import make_workloads
from search.quality.image_files import content_of, holds_statistics, image_files, real_path
from search.records.folder import StudyFolder
from search.records.inputs import keep_inputs, read_inputs
from search.settings import Config
from search.study.watching import StageWatcher

PROMPTS, REAL, WEIGHTS = "prompts", "real images", "denoiser"
PATHS = {"clip_score": "clip_path", "lpips": "lpips_path"}
"""Settings of files with weights, by the metric that needs them."""


def require_same_inputs(
    config: Config, folder: StudyFolder, model: ModelDescription, watcher: StageWatcher
) -> None:
    """Keep the inputs' digests in the study folder, or compare them with those kept there.

    A study from before they were kept is taken as it is, and they are kept from now on. It is said
    if another study whose front is tried first had another model.

    Raises:
        UserError: some are not those that the study began with; with their names.
    """
    now = {**_files(config), WEIGHTS: model.fingerprint, **_parts(model)}
    fresh = not read_inputs(folder)
    if changed := keep_inputs(folder, now):
        named = ", ".join(_named(name, config) for name in changed)
        raise UserError(
            f"{str(folder.root)!r} was measured with other inputs than there are now: {named}. New "
            "measurements would not compare with its own. Put back what it began with (the current "
            f"folder is {str(Path.cwd())!r}), or start a new sweep; report, front and export still "
            "show this one."
        )
    if fresh and config.warmstart.study is not None:
        _say_of_another_model(config.warmstart.study, now, watcher)


def model_inputs(folder: StudyFolder) -> Mapping[str, str]:
    """The kept digests of all weights, which name what other studies may share."""
    return {
        name: digest for name, digest in read_inputs(folder).items() if name not in (PROMPTS, REAL)
    }


def _parts(model: ModelDescription) -> Mapping[str, str]:
    return {f"model's {name}": digest for name, digest in model.parts.items()}


def _files(config: Config) -> Mapping[str, str]:
    quality, digests = config.quality, {PROMPTS: _digest(_prompts(config))}
    if quality.real not in ("none", "pocket"):
        path = real_path(quality.real)
        statistics = holds_statistics(path)
        files = [path] if statistics else image_files(path, quality.real, quality.real_images)
        digests[REAL] = content_of(files)
    for name, setting in PATHS.items():
        given = getattr(quality, setting)
        if name in config.metrics() and given is not None and Path(given).exists():
            digests[setting] = content_of(_below(Path(given)))
    return digests


def _below(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file())


def _prompts(config: Config) -> list[object]:
    """What all prompts of a study follow from: for the search, for audits of any size, and for
    calibration."""
    source, quality, seed = config.model.prompts, config.quality, config.study.seed
    if source != EMBEDDED:
        return list(dict.fromkeys(read_prompts(source)))
    search, heldout = make_workloads(
        source, images=quality.images, heldout_images=quality.heldout_images, seed=seed
    )
    calibration = calibration_workload(source, quality.images, seed)
    return [workload.prompts for workload in (search, heldout, calibration)]


def _digest(values: list[object]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _named(name: str, config: Config) -> str:
    settings = {
        PROMPTS: f"model.prompts={config.model.prompts!r}",
        REAL: f"quality.real={config.quality.real!r}",
        **{each: f"quality.{each}={getattr(config.quality, each)!r}" for each in PATHS.values()},
    }
    return f"the {name} ({settings.get(name, f'model.path={config.model.path!r}')})"


def _say_of_another_model(other: str, now: Mapping[str, str], watcher: StageWatcher) -> None:
    kept = read_inputs(StudyFolder.open(Path(other)))
    changed = [name for name in kept if name != PROMPTS and kept[name] != now.get(name)]
    if changed:
        watcher.stage(
            f"warmstart.study={other!r} was measured with another {', another '.join(changed)}; "
            "its schedules are tried here as any others"
        )
