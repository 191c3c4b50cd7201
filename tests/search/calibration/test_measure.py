"""The measurement: against keeping every value, and its limits."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from dato import Kind, Schedule
from dato.schedule import Depth, Forecast
from search.calibration.fit import Fitted
from search.calibration.measure import measure_calibration
from search.calibration.placement import placements
from search.calibration.products import Sample, gram
from search.calibration.prompts import IMAGES, calibration_workload
from search.calibration.table import Calibration
from search.calibration.watch import PROBES, probed
from search.errors import UserError
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.prompts import make_workloads
from search.model.workload import Workload
from tests.oracles.calibration import kept_values
from tests.search.model.tiny import STEPS, save_tiny, tiny_config

WORKLOAD = Workload(("a c", "b d", "e"), seed=5)
DEPTHS = (1, 2, 4)


@pytest.fixture(scope="module")
def measured(generator: Generator) -> Calibration:
    return measure_calibration(generator, WORKLOAD, DEPTHS)


def test_it_is_what_keeping_every_value_gives(generator: Generator, measured: Calibration) -> None:
    kept = kept_values(generator, WORKLOAD, DEPTHS)
    assert measured.output == pytest.approx(kept.gram(kept.noise).numpy(), rel=1e-4)
    for depth in DEPTHS:
        expected = kept.gram(kept.cuts[depth]).numpy()
        assert measured.cuts[depth] == pytest.approx(expected, rel=1e-4)


def test_it_knows_the_sampler(generator: Generator, measured: Calibration) -> None:
    scheduler = generator.pipe.scheduler
    assert measured.timesteps.tolist() == scheduler.timesteps.tolist()
    assert measured.alphas == pytest.approx(scheduler.alphas_cumprod[scheduler.timesteps].numpy())
    assert (measured.key.calls, measured.key.images) == (STEPS, 3)


def test_a_worker_can_send_it_back(measured: Calibration) -> None:
    again = pickle.loads(pickle.dumps(measured))
    assert again.key == measured.key
    assert (again.cuts[2] == measured.cuts[2]).all()


def test_a_response_is_what_an_older_cut_does_to_the_noise(measured: Calibration) -> None:
    for depth in DEPTHS:
        assert (measured.response[depth] > 0).all()
    assert probed(STEPS) == (1, 2, 3, 4, 5)
    assert probed(1) == ()
    assert len(probed(50)) == PROBES
    assert {1, 49} <= set(probed(50))


def test_the_pipeline_is_left_as_it_was(generator: Generator, measured: Calibration) -> None:
    before = generator.generate(None, [0]).latents
    measure_calibration(generator, WORKLOAD, ())
    assert "forward" not in vars(generator.denoiser)
    assert torch.equal(generator.generate(None, [0]).latents, before)


def test_fitted_weights_beat_the_straight_line_on_the_runs_they_are_from(
    generator: Generator, measured: Calibration
) -> None:
    own = generator.with_workload(WORKLOAD)
    depths: list[Depth] = ["full", 2, "full", 0, 2, 0]
    images = range(len(WORKLOAD))
    reference = own.generate(None, images).latents

    def missed(cut: Forecast) -> float:
        kinds = {"full": Kind(), "0": Kind(0, forecast="linear"), "2": Kind(2, forecast=cut)}
        steps = tuple(str(depth) for depth in depths)
        weights = Fitted(measured)(depths, [kinds[step].forecast for step in steps])
        run = own.generate(Schedule(kinds, steps, weights=weights), images).latents
        return float((run - reference).square().sum())

    assert missed("fitted") < missed("linear")


def test_a_limit_of_memory_makes_it_an_estimate(
    generator: Generator, measured: Calibration
) -> None:
    elements = 400  # of 2 x 8 x 8 x 8
    limit = 4 * STEPS * len(DEPTHS) * elements
    found = measure_calibration(generator, WORKLOAD, DEPTHS, limit)
    assert found.output == pytest.approx(measured.output)
    assert found.cuts[1] == pytest.approx(measured.cuts[1], rel=0.2)
    assert not np.array_equal(found.cuts[1], measured.cuts[1])


def test_a_sample_takes_the_same_elements_of_every_value() -> None:
    sample = Sample(10)
    values = torch.arange(100.0)
    chosen = sample.of(values)
    assert len(set(chosen.tolist())) == 10
    assert torch.equal(sample.of(2 * values), 2 * chosen)
    assert sample.scale == 10
    assert torch.equal(Sample(100).of(values), values)


def test_products_are_those_of_whole_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.calibration.products.BLOCK", 7)
    values = torch.randn(5, 50)
    assert gram(list(values)) == pytest.approx((values.double() @ values.double().T).numpy())


@pytest.mark.parametrize("architecture", ["sdxl", "pixart"])
def test_other_architectures(architecture: Literal["sdxl", "pixart"]) -> None:
    model = ModelConfig(weights="tiny", architecture=architecture, num_inference_steps=3)
    own = Generator(model, WORKLOAD)
    found = measure_calibration(own, Workload(("a", "b"), 1), (1, 2))
    for gram_of in (found.output, *found.cuts.values()):
        assert np.isfinite(gram_of).all()
        assert (gram_of.diagonal() > 0).all()
    assert all((own > 0).all() for own in found.response.values())


@pytest.mark.parametrize("prediction_type", ["epsilon", "sample"])
def test_other_predictions_and_no_guidance(tmp_path: Path, prediction_type: str) -> None:
    folder = save_tiny(tmp_path / "pipeline", prediction_type)
    model = tiny_config(folder, guidance_scale=1.0, scheduler="HeunDiscreteScheduler")
    if prediction_type == "sample":
        model = replace(model, scheduler="DPMSolverMultistepScheduler")
    own = Generator(model, WORKLOAD)
    found = measure_calibration(own, Workload(("a",), 1), (1,))
    assert np.isfinite(found.output).all()
    assert found.path is not None
    assert np.isfinite(found.path.moves).all()


@pytest.mark.parametrize("scheduler", ["EulerAncestralDiscreteScheduler", "DDPMScheduler"])
def test_a_sampler_that_adds_noise_has_no_path(tiny_folder: Path, scheduler: str) -> None:
    own = Generator(tiny_config(tiny_folder, scheduler=scheduler), WORKLOAD)
    found = measure_calibration(own, Workload(("a",), 1), (1,))
    assert found.path is None
    assert placements(found)[0].full[0] == 0


def test_prompts_and_noise_are_calibration_s_own(tmp_path: Path) -> None:
    own = calibration_workload("pocket", 8, 3)
    search, unseen = make_workloads("pocket", images=8, heldout_images=8, seed=3)
    assert len(own) == IMAGES
    assert not set(own.prompts) & {*search.prompts, *unseen.prompts}
    assert len({own.seed, search.seed, unseen.seed}) == 3
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(f"prompt {number}" for number in range(30)))
    own = calibration_workload(str(path), 8, 3)
    search, unseen = make_workloads(str(path), images=8, heldout_images=8, seed=3)
    assert not set(own.prompts) & {*search.prompts, *unseen.prompts}
    path.write_text("one")
    with pytest.raises(UserError, match="at least two"):
        calibration_workload(str(path), 8, 3)
