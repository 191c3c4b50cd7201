"""A recorded study's front, and images of the presets that are shipped from it.

python -m experiments.study.pictures                     # the README's
python -m experiments.study.pictures --model pocket-flow
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from PIL import Image, ImageDraw, ImageFont

from dato import Preset, list_presets, load_preset
from experiments.command import command
from experiments.study.recorded import RECORDED, recorded, shipped_trials
from search.model.base_sampler import based
from search.model.generator import Generator
from search.model.prompts import make_workloads
from search.records.base_sampler import Base
from search.records.result import StudyResult
from search.report.sample_files import grid
from search.settings.compose import load_config
from search.workers.open_pool import model_config

COLUMNS, SEED, MARGIN = 8, 5, 190
RIVALS = {
    "DDIMScheduler": "#8d99ae",
    "DPMSolverMultistepScheduler": "#d1495b",
    "FlowMatchEulerDiscreteScheduler": "#8d99ae",
    "UniPCMultistepScheduler": "#edae49",
}


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--model", choices=RECORDED, default="pocket")
    model = parser.parse_args().model
    torch.set_num_threads(1)
    draw_front(recorded(model), shipped_trials(model), RECORDED[model] / "front.png")
    draw_images(model, RECORDED[model] / "images.png")


def draw_front(result: StudyResult, presets: Mapping[int, str], path: Path) -> None:
    """All trials, the front, its rivals, and the shipped presets."""
    figure, axes = plt.subplots(figsize=(7.5, 4.6), dpi=130, layout="constrained")
    complete = [record for record in result.records if record.quality and record.speedup]
    axes.scatter(
        [record.speedup or 1.0 for record in complete],
        [record.quality.fid_reference for record in complete if record.quality],
        s=14,
        color="#b8bfc9",
        label=f"{len(complete)} complete of {len(result.records)} trials",
    )
    members = sorted(
        (member.record for member in result.front), key=lambda record: record.speedup or 1.0
    )
    axes.plot(
        [record.speedup or 1.0 for record in members],
        [record.quality.fid_reference for record in members if record.quality],
        "o-",
        color="#00798c",
        markersize=4.5,
        label="front",
    )
    for line, scheduler in {rival.line: rival.scheduler for rival in result.rivals}.items():
        rivals = [rival for rival in result.rivals if rival.line == line]
        axes.plot(
            [rival.priced_speedup for rival in rivals],
            [rival.quality.fid_reference for rival in rivals],
            "s:" if rivals[0].timesteps.words else "s--",
            color=RIVALS[scheduler],
            markersize=4,
            linewidth=1,
            label=line,
        )
    trials = {record.number: record for record in result.records}
    for trial, name in presets.items():
        record = trials[trial]
        assert record.quality is not None
        axes.annotate(
            name,
            (record.speedup or 1.0, record.quality.fid_reference),
            textcoords="offset points",
            xytext=(-8, 22),
            ha="center",
            arrowprops={"arrowstyle": "-", "color": "#555555"},
            fontsize=9,
        )
    axes.set_yscale("log")
    axes.set_xlabel("speed-up of the denoising loop (cost table)")
    axes.set_ylabel("FID to the unpatched images")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path)
    plt.close(figure)


def draw_images(model: str, path: Path) -> None:
    """One row unpatched, one for each preset, slowest first: same prompts, same noise."""
    config = load_config(RECORDED[model] / "config.yaml")
    workload, _ = make_workloads(
        config.model.prompts, images=COLUMNS, heldout_images=COLUMNS, seed=SEED
    )
    generator = Generator(model_config(config.model), workload)
    rows = [("unpatched", grid(generator.generate(None, range(COLUMNS)).pixels, COLUMNS))]
    for preset in _by_speed(model):
        assert preset.measured is not None
        sampler = Base(preset.sampler.scheduler, preset.sampler.num_inference_steps)
        with based(generator, sampler) as other:
            images = other.generate(preset.schedule, range(COLUMNS))
        label = f"{preset.name}\n{preset.measured.speedup:.1f}x"
        rows.append((label, grid(images.pixels, COLUMNS)))
    width, height = rows[0][1].size
    sheet = Image.new("RGB", (width + MARGIN, len(rows) * (height + 4) - 4), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(17)
    for index, (label, row) in enumerate(rows):
        top = index * (height + 4)
        sheet.paste(row, (MARGIN, top))
        pen.multiline_text((4, top + height // 2 - 20), label, fill="#222222", font=font)
    sheet.save(path, optimize=True)


def _by_speed(model: str) -> list[Preset]:
    presets = [load_preset(name) for name in list_presets(model=model)]
    return sorted(presets, key=lambda preset: preset.measured.speedup if preset.measured else 0.0)


if __name__ == "__main__":
    main()
