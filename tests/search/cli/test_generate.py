"""``generate``: pictures as the pipeline itself makes them, where they go, and what is refused."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import dato
from dato import Preset, Schedule, TunedSampler, load_preset
from dato.pocket import load_pipeline as load_pocket
from dato.preset import ModelInfo, SamplerInfo
from search.cli.chosen import known_models, model_of
from search.cli.generate import _counted
from search.cli.grid import COLUMNS, MOST_LINES, Grid, grid, rows_of, wrapped
from search.cli.main import main
from search.errors import UserError
from search.model.loading import ModelConfig, load_pipeline
from search.model.out_of_memory import MESSAGES
from search.model.prompt_images import ImageRequest, PromptPipeline

TUNED = load_preset("pocket/fast")
FAST = replace(
    TUNED,
    schedule=Schedule.uniform(50, interval=16, depth=0),
    sampler=replace(TUNED.sampler, num_inference_steps=50, calls=50, guidance_range=None),
)
"""A preset of the embedded model that holds outputs."""
PROMPTS = ("a red circle on a white background", "a blue square on a black background")


def generate(out: Path, *arguments: str, preset: str | None = None) -> int:
    with TemporaryDirectory() as folder:
        held = Path(folder) / "held.json"
        FAST.save(held)
        return main(["generate", "--preset", preset or str(held), "--out", str(out), *arguments])


def prompts(texts: Sequence[str] = PROMPTS) -> list[str]:
    return [word for text in texts for word in ("--prompt", text)]


@pytest.fixture(scope="module")
def pipeline() -> PromptPipeline:
    return PromptPipeline(model_of(FAST, ["model.batch_size=1"]))


def test_a_picture_is_what_the_pipeline_gives_for_its_seed(pipeline: PromptPipeline) -> None:
    sampler = replace(FAST.sampler, num_inference_steps=6, calls=6)
    short = replace(FAST, schedule=FAST.schedule.resampled(6), sampler=sampler)
    requests = [ImageRequest(PROMPTS[0], 7), ImageRequest(PROMPTS[1], 3)]
    made = {
        patched: pipeline.generate(requests, short, patched=patched) for patched in (True, False)
    }
    pipe = load_pocket()
    pipe.set_progress_bar_config(disable=True)

    def alone(request: ImageRequest) -> Image.Image:
        generator = torch.Generator().manual_seed(request.seed)
        image: Image.Image = pipe(
            request.prompt, num_inference_steps=6, guidance_scale=2.0, generator=generator
        ).images[0]
        return image

    unpatched = [alone(request) for request in requests]
    with dato.applied(pipe, short):
        patched = [alone(request) for request in requests]
    assert [image.tobytes() for image in made[False].images] == [u.tobytes() for u in unpatched]
    assert [image.tobytes() for image in made[True].images] == [p.tobytes() for p in patched]
    assert unpatched[0].tobytes() != patched[0].tobytes()
    assert made[True].seconds > 0


def test_a_preset_runs_with_the_settings_of_its_sampler_and_leaves_none(
    pipeline: PromptPipeline,
) -> None:
    """A preset without settings afterwards has the model's own."""
    request = [ImageRequest("a red circle on a blue background", 0)]
    settings = {"use_karras_sigmas": True}
    sampler = SamplerInfo("DPMSolverMultistepScheduler", 4, 4, 3.0, settings)
    karras = replace(FAST, sampler=sampler, schedule=Schedule.uniform(4, interval=2))
    plain = replace(karras, sampler=replace(sampler, settings={}))
    before = pipeline.generate(request, plain).images[0].tobytes()
    assert pipeline.generate(request, karras).images[0].tobytes() != before
    assert pipeline.generate(request, plain).images[0].tobytes() == before


def test_progress_counts_the_computed_calls_of_every_batch(pipeline: PromptPipeline) -> None:
    seen: list[None] = []
    requests = [ImageRequest(PROMPTS[0], seed) for seed in range(2)]
    pipeline.generate(requests, FAST, steps=3, on_call=lambda: seen.append(None))
    assert len(seen) == pipeline.calls(2, FAST, steps=3) == 4
    assert pipeline.calls(2, FAST, steps=3, patched=False) == 6


def test_a_folder_takes_single_files_that_say_how_they_were_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "pictures"
    arguments = ["--count", "2", "--seed", "5", "--steps", "3", "--compare", "model.batch_size=3"]
    assert generate(out, *prompts(), *arguments) == 0
    written, shown = capsys.readouterr()
    files = [Path(line) for line in written.splitlines()]
    assert sorted(files) == sorted(out.iterdir())
    assert len(files) == 2 * 2 * 2 + 1
    single = out / "03-a-blue-square-on-a-black-background-5-pocket-fast.png"
    with Image.open(single) as image, Image.open(out / "grid.png") as sheet:
        facts = {"prompt": PROMPTS[1], "seed": "5", "preset": "pocket/fast"}
        assert image.info == facts
        # A row for each prompt, unpatched above the preset.
        assert shown_at(sheet, row=1, band=1, column=0, columns=2).tobytes() == image.tobytes()
    assert "unpatched: 6 calls" in shown
    assert "pocket/fast: 4 in" in shown


def test_beside_few_steps_stands_the_model_with_its_own(pipeline: PromptPipeline) -> None:
    """A tuned sampler, or given timesteps, is all that such a preset is."""
    few = replace(FAST.sampler, num_inference_steps=2, calls=2)
    at = (999.0, 400.0)
    plain = Schedule.full(2)
    tuned = replace(plain, tuned=TunedSampler(at, ((1.0,), (1.0, 0.0))))
    for other in (
        replace(FAST, schedule=tuned, sampler=few),
        replace(FAST, schedule=plain, sampler=replace(few, timesteps=at)),
    ):
        assert pipeline.calls(1, other, patched=False) == pipeline.model.num_inference_steps == 50
    short = replace(FAST, schedule=plain, sampler=few)
    assert pipeline.calls(1, short, patched=False) == 2


def test_the_suffix_of_a_picture_chooses_its_format(tmp_path: Path) -> None:
    assert generate(tmp_path / "grid.webp", *prompts(), "--steps", "2") == 0
    with Image.open(tmp_path / "grid.webp") as sheet:
        assert (sheet.format, sheet.size) == ("WEBP", (2 * 264 + 8, 264 + 3 * 18 + 8))


@given(count=st.integers(1, 40), per_prompt=st.integers(1, 20))
def test_a_grid_shows_every_picture_once_and_each_prompt_from_the_left(
    count: int, per_prompt: int
) -> None:
    total = count * per_prompt
    rows = rows_of(total, per_prompt)
    assert [index for row in rows for index in row] == list(range(total))
    assert all(1 <= len(row) <= COLUMNS for row in rows)
    if per_prompt > 1:
        assert set(range(0, total, per_prompt)) <= {row[0] for row in rows}


def plain(value: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.new("RGB", size, (value,) * 3)


def shown_at(sheet: Image.Image, row: int, band: int, column: int, columns: int = 2) -> Image.Image:
    """The picture of 64 x 64 at a place of a grid with two bands and two lines of text."""
    layout = Grid([range(columns)], bands=2, picture=(64, 64), factor=4, columns=columns, lines=2)
    left, top = layout.corner(row, band, column)
    return sheet.crop((left, top, left + 256, top + 256)).resize((64, 64), Image.Resampling.NEAREST)


def is_written(sheet: Image.Image, box: tuple[int, int, int, int]) -> bool:
    """Whether there are dark letters on a light ground."""
    values = np.asarray(sheet.crop(box).convert("L"))
    return bool(values.min() < 64 and values.mean() > 200)


def test_rows_of_a_comparison_alternate_under_what_made_them() -> None:
    pictures = {"unpatched": [plain(v) for v in (1, 2, 3)], "p/q": [plain(v) for v in (4, 5, 6)]}
    requests = [
        ImageRequest("a prompt of two lines at least, in a picture of this width", seed)
        for seed in range(3)
    ]
    sheet = grid(pictures, [range(2), range(2, 3)], requests)
    found = [
        [np.asarray(shown_at(sheet, row, band, column)).ravel()[0] for column in range(2)]
        for row in range(2)
        for band in range(2)
    ]
    assert found == [[1, 2], [4, 5], [3, 255], [6, 255]]
    layout = Grid.of(pictures, [range(2), range(2, 3)], ["word " * 10])
    assert (layout.factor, layout.lines) == (4, 2)
    for row in range(2):
        for band in range(2):
            left, top = layout.corner(row, band, 0)
            assert is_written(sheet, (left, top - 18, left + 40, top))
            assert is_written(sheet, (left, top + 256, left + 256, top + 256 + 18))


@pytest.mark.parametrize(
    ("size", "factor"), [((64, 64), 4), ((128, 64), 4), ((100, 100), 3), ((512, 768), 1)]
)
def test_small_pictures_are_enlarged_so_that_they_are_seen(
    size: tuple[int, int], factor: int
) -> None:
    random = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(random)
    sheet = grid({"unpatched": [picture]}, [range(1)], [ImageRequest("a", 0)])
    layout = Grid.of({"unpatched": [picture]}, [range(1)], ["a"])
    assert layout.cell == (factor * size[0], factor * size[1])
    assert min(layout.cell) >= 256
    left, top = layout.corner(0, 0, 0)
    shown = np.asarray(sheet)[top : top + layout.cell[1], left : left + layout.cell[0]]
    assert (shown == random.repeat(factor, axis=0).repeat(factor, axis=1)).all()


@given(st.text(max_size=200), st.integers(60, 300))
def test_a_caption_stays_below_its_picture(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert 1 <= len(lines) <= MOST_LINES
    joined = "".join("".join(lines).split()).removesuffix("...")
    assert "".join(text.split()).startswith(joined)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["model.num_inference_steps=9"], "a preset fixes model.num_inference_steps"),
        (["space=joint"], "is no setting of the model"),
        (["model.pth=x"], "pth"),
        (["model.path=/no/such/folder"], "/no/such/folder"),
        (["model.batch_size=0"], "model.batch_size=0"),
        (["model=sd15", "model.weights=tiny", "model.device=cuda:99"], "not on this machine"),
        (["--count", "0"], "--count=0 is out of range. Take one from 1"),
        (["--seed", "-1"], "--seed=-1 is out of range. Take one from 0"),
        (["--steps", "0"], "--steps=0 is out of range. Take one from 1"),
    ],
)
def test_mistakes_are_named_before_a_picture_is_made(
    arguments: list[str], fragment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(tmp_path / "x.png", "--prompt", "a", *arguments) == 2
    error = capsys.readouterr().err
    assert fragment in error
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "fragment"),
    [("x.txt", "because of its suffix '.txt'"), ("file/x.png", "leads through")],
)
def test_a_bad_target_is_named_before_the_model_loads(
    name: str, fragment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert generate(tmp_path / name, "--prompt", "a") == 2
    shown = capsys.readouterr().err
    assert fragment in shown
    assert "loading" not in shown


def test_a_preset_of_another_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ["model=sdxl", "model.weights=tiny", "model.device=cpu", "model.dtype=float32"]
    assert generate(tmp_path / "x.png", "--prompt", "a", *tiny) == 2
    shown = capsys.readouterr().err
    assert "for the model 'pocket', and model= names 'sdxl'" in shown
    assert "denoiser can be cut at 12 depths" in shown


def test_a_preset_of_another_size_is_refused_with_the_flag_that_runs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = replace(FAST, model=replace(FAST.model, latent_size=(48, 32)))
    path, out = tmp_path / "tall.json", tmp_path / "x.png"
    preset.save(path)
    assert generate(out, "--prompt", "a red circle", preset=str(path)) == 2
    assert (
        "'pocket' makes latents of 32 x 32, and the preset 'pocket/fast' is for 48 x 32. Give the "
        "model that it is for, or --resample to run it all the same."
    ) in capsys.readouterr().err
    assert generate(out, "--prompt", "a red circle", "--resample", preset=str(path)) == 0
    assert out.exists()


@pytest.mark.filterwarnings("default:.*other weights")
def test_other_weights_are_one_line_of_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(FAST, model=replace(FAST.model, fingerprint=f"sha256:{64 * '0'}"))
    other.save(tmp_path / "other.json")
    preset = str(tmp_path / "other.json")
    assert generate(tmp_path / "x.png", "--prompt", "a", "--steps", "2", preset=preset) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "other weights" in line]
    assert len(warned) == 1
    assert warned[0].startswith("dato-search: ")


def tiny_preset(model: str, folder: Path) -> Path:
    """A preset for an architecture at reduced width."""
    built = ModelConfig(weights="tiny", architecture=model)  # type: ignore[arg-type]
    pipe = load_pipeline(built)
    topology = dato.topology(pipe)
    size = pipe.unet.config.sample_size if hasattr(pipe, "unet") else 0
    size = size or pipe.transformer.config.sample_size
    preset = Preset(
        "mine/tiny",
        ModelInfo("custom", topology.skip_branches, dato.fingerprint(pipe), (size, size)),
        SamplerInfo("DPMSolverMultistepScheduler", 4, 4, 3.0),
        Schedule.uniform(4, interval=2),
    )
    path = folder / "tiny.json"
    preset.save(path)
    return path


@pytest.mark.parametrize("model", ["sd15", "sdxl", "pixart"])
def test_every_family_generates(model: str, tmp_path: Path) -> None:
    preset = str(tiny_preset(model, tmp_path))
    tiny = [f"model={model}", "model.weights=tiny", "model.device=cpu", "model.dtype=float32"]
    assert generate(tmp_path / "x.png", *prompts(), "--compare", *tiny, preset=preset) == 0
    with Image.open(tmp_path / "x.png") as sheet:
        assert min(sheet.size) > 256


def test_a_folder_of_ones_own_is_given_by_its_path(tmp_path: Path) -> None:
    preset = tiny_preset("sd15", tmp_path)
    built = ModelConfig(weights="tiny", architecture="sd15", scheduler="PNDMScheduler")
    load_pipeline(built).save_pretrained(tmp_path / "pipeline")
    out = tmp_path / "x.png"
    path = f"model.path={tmp_path / 'pipeline'}"
    assert generate(out, "--prompt", "a", path, preset=str(preset)) == 0
    assert out.is_file()
    assert generate(out, "--prompt", "a", preset=str(preset)) == 2


def test_a_preset_names_its_model() -> None:
    assert "pocket" in known_models()
    assert "custom" not in known_models()
    assert model_of(FAST, []).path == "pocket"
    published = model_of(load_preset("sd15/published"), ["model.device=cpu"])
    assert published.path == "stable-diffusion-v1-5/stable-diffusion-v1-5"
    assert (published.scheduler, published.device) == ("own", "cpu")
    stranger = replace(FAST, model=replace(FAST.model, id="../../etc"))
    with pytest.raises(UserError, match=r"model\.path=FOLDER or a hub id"):
        model_of(stranger, [])
    assert model_of(stranger, ["model.path=mine"]).path == "mine"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError(f"x: {MESSAGES[0]}")]
)
def test_out_of_memory_names_the_batch(
    pipeline: PromptPipeline, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "_run", fail)
    with pytest.raises(UserError, match=r"1 images at once. Lower model\.batch_size"):
        pipeline.generate([ImageRequest("a", 0)], FAST)


def test_another_failure_is_not_taken_for_it(
    pipeline: PromptPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(pipeline, "_run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        pipeline.generate([ImageRequest("a", 0)], FAST)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with _counted("pocket/fast", 2) as on_call:
        on_call()
        on_call()
    assert "2/2 calls" in screen.getvalue()
    assert "\x1b[" in screen.getvalue()


def test_without_a_preset_the_model_runs_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plain.png"
    steps = ["model.num_inference_steps=3", "model.guidance_scale=2"]
    assert main(["generate", "--out", str(out), *prompts(), *steps]) == 0
    assert "unpatched: 3 calls" in capsys.readouterr().err
    pipe = load_pocket()
    pipe.set_progress_bar_config(disable=True)
    alone = pipe(
        PROMPTS[0],
        num_inference_steps=3,
        guidance_scale=2.0,
        generator=torch.Generator().manual_seed(0),
    ).images[0]
    with Image.open(out) as sheet:
        assert shown_at(sheet, row=0, band=0, column=0).tobytes() == alone.tobytes()
