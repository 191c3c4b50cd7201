"""The paper's experiments compose, run at reduced width, go on, and end in a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from experiments.paper import cost
from experiments.paper.__main__ import PAPER, run
from search.errors import UserError
from search.settings.compose import compose_config

REDUCED = (
    "model.weights=tiny",
    "model.device=cpu",
    "model.dtype=float32",
    "model.num_inference_steps=4",
    "model.batch_size=2",
    "quality.features=pocket",
    "quality.images=4",
    "quality.rung_images=2",
    "quality.real_images=6",
    "quality.heldout_images=4",
    "quality.heldout_members=1",
    "latency.repeats=1",
    "latency.budget_s=0.1",
    "latency.check_schedules=0",
    "budget.trials=3",
    "warmstart.count=2",
    "tracker=none",
)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A data set in COCO's layout: annotations, and a folder of images."""
    (tmp_path / "val2014").mkdir()
    captions = []
    for number in range(12):
        name = f"COCO_val2014_{number:012}.jpg"
        Image.new("RGB", (64 + number, 48), (20 * number, 99, 7)).save(tmp_path / "val2014" / name)
        captions.append({"image_id": number, "id": 100 + number, "caption": f"Scene {number}."})
    content = {"images": [{"id": n} for n in range(12)], "annotations": captions}
    (tmp_path / "captions_val2014.json").write_text(json.dumps(content))
    return tmp_path


@pytest.mark.parametrize("name", [f"paper/{name}" for name in PAPER])
def test_an_experiment_needs_prompts_and_real_images(name: str) -> None:
    with pytest.raises(UserError, match=r"model\.prompts"):
        compose_config([f"experiment={name}", "quality.real=val2014"])
    with pytest.raises(UserError, match=r"quality\.real"):
        compose_config([f"experiment={name}", "model.prompts=coco:captions.json"])
    config = compose_config(
        [f"experiment={name}", "model.prompts=coco:captions.json", "quality.real=val2014"]
    )
    assert config.study.name == name.replace("/", "-")
    assert config.quality.features == "inception"
    assert config.quality.heldout_images >= 2000


def test_the_papers_setting() -> None:
    config = compose_config(["experiment=paper/coco", "model.prompts=-", "quality.real=-"])
    model = config.model
    assert (model.scheduler, model.num_inference_steps, model.guidance_scale) == (
        "PNDMScheduler",
        50,
        7.5,
    )
    assert cost.calls(config) == 51
    assert config.quality.heldout_images == 30_000


@pytest.mark.parametrize("model", ["sd15", "sdxl"])
def test_tuning_takes_any_model(model: str) -> None:
    config = compose_config(["experiment=tune", f"model={model}", "model.prompts=prompts.txt"])
    assert config.model.architecture == model
    assert config.study.name == f"tune-{model}"
    assert config.budget.time == "40m"


def test_coco_at_reduced_width_goes_on_and_ends_in_a_table(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    study = tmp_path / "study"
    data = (f"model.prompts=coco:{coco / 'captions_val2014.json'}", f"quality.real={coco}/val2014")
    assert run("coco", study, [*REDUCED, *data]) == 0
    out = capsys.readouterr().out
    assert "| the paper's | 7x, FID -2.17 | | | |" in out
    assert "| unpatched | 1.00x |" in out
    assert run("coco", study, ["budget.trials=4"]) == 0
    assert "[4/4]" in capsys.readouterr().out


def test_costs_follow_their_assumptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "work_of", lambda _: cost.Work(1.6e12, 2.5e12, 512, 64))
    one, faster = (cost.estimate("imagenet", tflops, share=0.5) for tflops in (50, 100))
    assert one.seconds == pytest.approx((51 * 1.6 + 2.5) / 50)
    assert faster.audit_h == pytest.approx(one.audit_h / 2)
    assert one.audit_h == pytest.approx(one.seconds * 2000 * (1 + 8 * 0.5) / 3600)
    assert one.disk_gib == pytest.approx((64 + 2000) * (3 * 512**2 + 16 * 64**2) / 2**30)


@pytest.mark.slow
def test_the_written_costs_are_what_the_command_prints() -> None:
    readme = Path(cost.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert cost.table(tflops=60, share=0.33) in readme
