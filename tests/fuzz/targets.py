"""Every reader of files that may come from strangers, as a function of one file.

A reader may succeed or raise an error of this project's own. Anything else is a finding.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import torch

from dato.anywhere import kdiffusion
from dato.errors import DatoError
from dato.portable import PortableCall, PortableSampler
from dato.preset import Preset
from dato.schedule import Kind, Schedule
from search.calibration.table import Calibration
from search.errors import UserError
from search.latency.cost_file import load_cost_table
from search.model.images import Images, join
from search.model.prompt_sources import read_prompts
from search.model.reference import kept_images
from search.preparation.features import kept_features
from search.quality.statistics import load_statistics
from search.records.files import (
    load_rivals,
    members_from_json,
    members_to_json,
    result_from_json,
    save_rivals,
    trials_from_json,
    trials_to_json,
)
from search.records.folder import StudyFolder
from search.records.inputs import read_inputs
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.reference import read_reference
from search.records.rival import Rival
from search.settings import SamplerSettings, StorageSettings
from search.settings.compose import compose_config, load_config, save_config
from search.settings.safe_yaml import read_yaml
from search.space import SpaceContext, load_space
from search.starts.spread import uniform_starts
from search.study.storage import open_study, read_study
from search.study.trial_records import RECORD, read_records
from search.tracking.wandb_folders import run_id
from tests.search.calibration.made_up import calibration, wandering
from tests.strategies import sd15_topology

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "experiments/study"
CALLS = 20
FORECAST = TrialRecord(
    0,
    "complete",
    "sampler",
    {},
    Schedule(
        {"full": Kind(), "held": Kind(0, forecast="fitted")},
        ("full", "held", "full", "held"),
        weights={1: (1.0,), 3: (1.83, -0.84)},
    ),
)
RIVAL = Rival("DDIMScheduler", 8, 8, 1.0, 2.0, Quality(0.0, 1.0, math.nan, 4))
SAMPLER = PortableSampler(
    name="pocket/tuned",
    model="pocket",
    latent_size=(32, 32),
    guidance_scale=2.0,
    speedup=None,
    prediction="v_prediction",
    initial_noise_scale=1.0,
    calls=(
        PortableCall(timestep=999, sigma=4096, input_scale=1, latents=(0.7,), outputs=(-0.7,)),
        PortableCall(
            timestep=480.5, sigma=1.5, input_scale=1, latents=(0.5, 0.1), outputs=(-0.8, 0.2)
        ),
    ),
)
NO_TRIALS = '{"format": "dato-trials", "version": 1, "trials": []}'


@dataclass(frozen=True)
class Target:
    """One reader.

    Args:
        read: reads a file, whose name is ``file``.
        seeds: healthy files, as text of ``encoding``.
    """

    read: Callable[[Path], object]
    seeds: tuple[str, ...]
    file: str = "file.json"
    encoding: str = "utf-8"

    def encoded(self, text: str) -> bytes:
        """The file's bytes; a lone surrogate makes them invalid, as it would on a disk."""
        errors = "surrogatepass" if self.encoding == "utf-8" else "replace"
        return text.encode(self.encoding, errors)

    def accepts(self, text: str, folder: Path) -> bool:
        """Whether the reader took the text; ``False`` when it refused with an error of ours."""
        path = folder / self.file
        path.write_bytes(self.encoded(text))
        try:
            self.read(path)
        except (DatoError, UserError):
            return False
        return True


def _preset(path: Path) -> None:
    preset = Preset.load(path)
    assert Preset.from_json(preset.to_json()) == preset


def _sampler(path: Path) -> None:
    sampler = PortableSampler.load(path)
    assert PortableSampler.from_json(sampler.to_json()) == sampler
    sigmas, _ = kdiffusion(path)
    assert len(sigmas) == len(sampler.calls) + 1


def _cost_table(path: Path) -> None:
    load_cost_table(path).price(Schedule.uniform(CALLS, 5, prune={"level_0": 0.5}), sd15_topology())


def _space(path: Path) -> None:
    space = load_space({"name": "fuzz"} | read_yaml(path))
    context = SpaceContext(CALLS, sd15_topology(), (0.0,) + (0.1,) * (CALLS - 1))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space.decode(space.suggest(study.ask(), context), context)
    uniform_starts(space, context, 3)


def _front(path: Path) -> None:
    result_from_json(NO_TRIALS, _text(path))


def _trials(path: Path) -> None:
    trials_from_json(_text(path))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _storage(kind: str, path: Path) -> None:
    study = read_study(StudyFolder(path.parent), StorageSettings.model_validate({"kind": kind}))
    read_records(study)


def _prompts(kind: str, path: Path) -> None:
    read_prompts(f"{kind}:{path}")


def _stored(folder: Path, kind: str) -> Path:
    """A storage with the first trials of the recorded study."""
    storage = StorageSettings.model_validate({"kind": kind})
    records = trials_from_json((STUDY / "trials.json").read_text(encoding="utf-8"))[:3]
    study = open_study(StudyFolder(folder), storage, SamplerSettings(name="random"), 0)
    for record in records:
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr(RECORD, trials_to_json([record]))
        study.tell(trial, values=[1.0, 2.0])
    return StudyFolder(folder).journal if kind == "journal" else StudyFolder(folder).database


def targets(scratch: Path) -> Mapping[str, Target]:
    """All readers by name. ``scratch`` is an empty folder for what the seeds need."""
    golden = sorted((ROOT / "tests/dato/golden").glob("*.json"))
    table, trials, front = (
        (STUDY / f"{name}.json").read_text() for name in ("cost_table", "trials", "front")
    )
    few = json.loads(trials)
    few["trials"] = few["trials"][:2]
    short = json.loads(front)
    short["front"] = short["front"][:1]
    coco = {"annotations": [{"image_id": n, "id": n, "caption": f"cap {n}"} for n in range(3)]}
    drift = {"version": 1, "fingerprint": "sha256:00", "drift": [0.0, 0.5, 0.25]}
    save_rivals([RIVAL], scratch / "rivals.json")
    rivals = (scratch / "rivals.json").read_text()
    audited = result_from_json(NO_TRIALS, json.dumps(short)).front
    members_to_json(audited, scratch / "members.json")
    members = (scratch / "members.json").read_text()
    known = scratch / "calibration.safetensors"
    np.savez(scratch / "real.npz", mu=np.zeros(2), sigma=np.eye(2), feats=np.zeros((2, 2)))
    statistics = (scratch / "real.npz").read_bytes().decode("latin-1")
    made = Images(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2, 4, 2, 2))
    kept_images(scratch / "images.safetensors", 2, lambda: made)
    images = (scratch / "images.safetensors").read_bytes().decode("latin-1")
    calibration(wandering(3, 1), {1: wandering(3, 2)}).save(known)
    spaces = tuple(path.read_text() for path in sorted((ROOT / "conf/space").glob("*.yaml")))
    lines = "a red circle\na blue square\n\nzażółć gęślą jaźń 😀\n"
    journal = _stored(scratch, "journal").read_text()
    database = _stored(scratch, "sqlite").read_bytes().decode("latin-1")
    return {
        "preset": Target(_preset, tuple(path.read_text() for path in golden)),
        "sampler": Target(_sampler, (SAMPLER.to_json(),)),
        "cost_table": Target(_cost_table, (table,)),
        "config": Target(load_config, (save_config(compose_config([])),), "config.yaml"),
        "space": Target(_space, spaces, "space.yaml"),
        "trials": Target(_trials, (json.dumps(few), trials_to_json([FORECAST]))),
        "front": Target(_front, (json.dumps(short),)),
        "reference": Target(_reference, (json.dumps(drift),), "reference.json"),
        "inputs": Target(_inputs, ('{"version": 1, "inputs": {"prompts": "00"}}',), "inputs.json"),
        "rivals": Target(load_rivals, (rivals,)),
        "members": Target(members_from_json, (members,)),
        "features": Target(_features, ('{"name": "pocket", "digest": "00"}',), "features.json"),
        "images": Target(_images, (images,), "images.safetensors", "latin-1"),
        "run_id": Target(_run_id, ("0123456789ab\n",), "run-id"),
        "statistics": Target(load_statistics, (statistics,), "real.npz", "latin-1"),
        "calibration": Target(
            Calibration.load, (known.read_bytes().decode("latin-1"),), known.name, "latin-1"
        ),
        "journal": Target(partial(_storage, "journal"), (journal,), "study.journal"),
        "sqlite": Target(partial(_storage, "sqlite"), (database,), "study.sqlite3", "latin-1"),
        "prompts": Target(partial(_prompts, "text"), (lines,), "prompts.txt"),
        "coco": Target(partial(_prompts, "coco"), (json.dumps(coco),)),
        "imagenet": Target(
            partial(_prompts, "imagenet"),
            ('{"0": ["n01440764", "tench"]}', '["a"]', "{0: 'a'}", "n01440764 1 a"),
        ),
    }


def _reference(path: Path) -> None:
    read_reference(StudyFolder(path.parent))


def _inputs(path: Path) -> None:
    read_inputs(StudyFolder(path.parent))


def _features(path: Path) -> None:
    kept_features(StudyFolder(path.parent))


def _images(path: Path) -> None:
    kept_images(path, 2, lambda: join([]))


def _run_id(path: Path) -> None:
    folder = StudyFolder(path.parent)
    folder.wandb.mkdir(exist_ok=True)
    path.replace(folder.wandb / "run-id")
    run_id(folder)
