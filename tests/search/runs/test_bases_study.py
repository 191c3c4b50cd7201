"""A study whose space lists base samplers, from the sweep to its presets."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dato import Preset
from search.cli.main import main
from search.records.base_sampler import Base
from search.records.files import load_result
from search.records.folder import StudyFolder
from tests.faults.studies import records
from tests.postgres import PostgresServer
from tests.search.cli.test_study_life import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

KARRAS = Base("DPMSolverMultistepScheduler", 4, (("use_karras_sigmas", True),))
PLANNED = "DPMSolverMultistep-3-timesteps=planned"
SPACE = """
name: mine
base:
  kind: choice
  values:
    - own
    - {scheduler: DPMSolverMultistepScheduler, steps: 4, use_karras_sigmas: true}
    - {scheduler: DPMSolverMultistepScheduler, steps: 3, timesteps: planned}
refresh: {rule: planned, full_calls: {kind: int, low: 1, high: 50}}
cached: {depth: 1, reuse: {kind: choice, values: [0.0, 1.0]}}
forecast: {output: linear, cut: fitted}
"""
TRIALS = ("sampler=random", "budget.trials=7", "warmstart.optimal=2", "quality.rung_margin=1e9")


def sweep(folder: Path, *overrides: str) -> int:
    space = folder.parent / "mine.yaml"
    space.write_text(SPACE, encoding="utf-8")
    where = (f"study.folder={folder}", f"space={space}", "rivals=off")
    return main(["sweep", "--plain", *where, *SMALL, *TRIALS, *overrides])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "study"
    assert sweep(folder, "launcher=serial") == 0
    return folder


def test_trials_say_their_base_and_cost_less_with_fewer_calls(study: Path) -> None:
    found = records(study)
    assert {r.params["base"] for r in found} == {"own", KARRAS.label, PLANNED}
    assert {record.base for record in found if record.params["base"] != PLANNED} == {None, KARRAS}
    assert found[0].origin == "baseline"
    assert found[0].run.is_unpatched
    for record in found:
        assert record.schedule is not None and record.speedup is not None
        assert record.schedule.calls == (6 if record.base is None else record.base.steps)
        full = sum(record.schedule.kind(n).depth == "full" for n in range(record.schedule.calls))
        assert record.speedup < 6 / full * 1.05


def test_a_plain_run_of_few_steps_at_planned_timesteps_is_tried_first(study: Path) -> None:
    first, plain, *_ = records(study)
    assert first.run.is_unpatched
    assert plain.base is not None and plain.schedule is not None
    assert plain.params["base"] == plain.base.label == PLANNED
    assert plain.base.timesteps.source == "planned"
    assert len(plain.base.timesteps.values) == 3
    assert all(kind.is_null for kind in plain.schedule.kinds.values())


def test_presets_are_for_the_base_of_their_member(study: Path) -> None:
    front = load_result(StudyFolder(study)).front
    for member in front:
        sampler = Preset.load(study / "presets" / f"{member.name}.json").sampler
        base, schedule = member.record.base, member.record.schedule
        base = base or Base("DDIMScheduler", 6)
        assert (sampler.scheduler, sampler.num_inference_steps) == (base.scheduler, base.steps)
        assert sampler.timesteps == base.timesteps.values
        assert dict(base.settings).items() <= sampler.settings.items()
        assert sampler.other_settings == "default"
        assert schedule is not None
        assert schedule.calls == sampler.calls
        assert main(["validate", str(study / "presets" / f"{member.name}.json")]) == 0


def test_a_resumed_study_measures_no_base_again(study: Path) -> None:
    known = {path: path.stat().st_mtime_ns for path in StudyFolder(study).bases.iterdir()}
    assert len(known) == 4
    assert main(["resume", str(study), "budget.trials=9", "--plain"]) == 0
    assert len(records(study)) == 9
    assert {path: path.stat().st_mtime_ns for path in known} == known


def test_it_is_audited_and_priced_for_another_device(study: Path, tmp_path: Path) -> None:
    assert main(["audit", str(study), "--images", "4"]) == 0
    table = str(study / "cost_table.json")
    assert main(["retarget", str(study), "--table", table, "--out", str(tmp_path / "there")]) == 0
    kept = {Preset.load(path).sampler for path in (tmp_path / "there" / "presets").glob("*.json")}
    assert kept == {Preset.load(path).sampler for path in (study / "presets").glob("*.json")}


@pytest.mark.parametrize("launcher", ["local", "ray", "slurm"])
def test_other_launchers_tell_the_same_trials(
    launcher: str, study: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    package = {"ray": "ray", "slurm": "submitit"}.get(launcher)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}")
    where: tuple[str, ...] = (f"launcher={launcher}", "launcher.workers=1")
    if launcher == "local":
        where = ("launcher=local", "launcher.workers=2")
    if launcher == "slurm":
        server: PostgresServer = request.getfixturevalue("postgres")
        storage = server.storage()
        url, name = f"storage.url={storage.url}", f"storage.study={storage.study}"
        where = (*where, "launcher.executor=debug", "storage=postgres", url, name)
    same = f"latency.tables=[{study / 'cost_table.json'}]"
    assert sweep(tmp_path / "study", same, *where) == 0
    expected = [(r.run, r.params, r.quality, r.latency_s) for r in records(study)[:7]]
    found = records(tmp_path / "study")
    assert [(r.run, r.params, r.quality, r.latency_s) for r in found] == expected
