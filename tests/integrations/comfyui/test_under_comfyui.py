"""The node's sampler under ComfyUI's own ``KSAMPLER`` and ``CFGGuider``, on the embedded model.

Runs where ComfyUI is on the path; the pack's README says with which parts of it this was done.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dato
from dato import MismatchError
from tests.dato.exported import exported
from tests.dato.guided import PROMPT, SCALE, by_engine

pytest.importorskip("comfy.samplers", exc_type=ImportError)
pytestmark = pytest.mark.filterwarnings("ignore:The configuration file")
ZERO_SNR = {"beta_schedule": "linear", "zsnr": True}
"""The embedded model's noise schedule, as ComfyUI names it."""


class Unet(nn.Module):
    """A UNet of diffusers, called as ComfyUI calls its own."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet, self.dtype = unet, torch.float32

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor, **_: Any) -> Tensor:
        output: Tensor = self.unet(x, timesteps, context, return_dict=False)[0]
        return output


def model_of(pipe: Any, kind: str = "V_PREDICTION") -> Any:
    """ComfyUI's patcher around the pipeline's UNet."""
    from comfy.latent_formats import LatentFormat
    from comfy.model_base import BaseModel, ModelType
    from comfy.model_patcher import ModelPatcher

    config = SimpleNamespace(
        unet_config={"disable_unet_model_creation": True},
        latent_format=LatentFormat(),
        manual_cast_dtype=None,
        custom_operations=None,
        memory_usage_factor=1.0,
        sampling_settings=ZERO_SNR,
    )
    model = BaseModel(config, ModelType[kind])
    model.diffusion_model = Unet(pipe.unet)
    device = torch.device("cpu")
    return ModelPatcher(model, device, device)


def guider_of(pipe: Any, model: Any) -> Any:
    from comfy.samplers import CFGGuider

    text, nothing = pipe.encode_prompt(PROMPT, torch.device("cpu"), 1, True)
    guider = CFGGuider(model)
    guider.set_conds([[text.detach(), {}]], [[nothing.detach(), {}]])
    guider.set_cfg(SCALE)
    return guider


def noise(seed: int = 5) -> Tensor:
    return torch.randn(1, 6, 32, 32, generator=torch.Generator().manual_seed(seed))


class Workflow:
    """A preset's file through the node, and the runs of its outputs."""

    def __init__(self, pack: Any, models: Path, name: str) -> None:
        pipe, self.preset = exported(name)
        self.pipe = pipe
        with dato.applied(pipe, self.preset):
            self.by_engine = by_engine(pipe, noise(), self.preset.sampler.num_inference_steps)
            dato.export_sampler(self.preset, pipe.scheduler).save(models / "under.json")
        self.model = model_of(pipe)
        node = pack.NODE_CLASS_MAPPINGS["LoadDatoPreset"]()
        self.sampler, self.sigmas, self.about = node.load("under", self.model, "7")

    def run(
        self,
        start: Tensor,
        sigmas: Tensor | None = None,
        latents: Tensor | None = None,
        callback: Callable[..., object] | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """What SamplerCustomAdvanced does with them."""
        guider = guider_of(self.pipe, self.model)
        latents = torch.zeros_like(start) if latents is None else latents
        sigmas = self.sigmas if sigmas is None else sigmas
        with torch.inference_mode():
            result: Tensor = guider.sample(
                start.clone(), latents, self.sampler, sigmas, mask, callback, True, 0
            )
        return result.clone()


@pytest.fixture(scope="module")
def ddim(pack: Any, models: Path) -> Workflow:
    return Workflow(pack, models, "ddim")


def close(result: Tensor, expected: Tensor, part: float = 1e-5) -> None:
    bound = part * float(expected.abs().max())
    torch.testing.assert_close(result, expected, rtol=0, atol=bound)


@pytest.mark.parametrize("name", ["ddim", "dpm", "unipc", "euler"])
def test_it_makes_the_engine_s_latents(pack: Any, models: Path, name: str) -> None:
    work = Workflow(pack, models, name)
    close(work.run(noise()), work.by_engine)


def test_timesteps_between_whole_ones_are_rounded(pack: Any, models: Path) -> None:
    """By ComfyUI, whose discrete models know whole ones only."""
    work = Workflow(pack, models, "tuned")
    close(work.run(noise()), work.by_engine, 0.01)


def test_a_batch_is_each_picture_alone(ddim: Workflow) -> None:
    together = ddim.run(torch.cat([noise(5), noise(6)]))
    close(together[:1], ddim.by_engine)
    close(together[1:], ddim.run(noise(6)))


def test_previews_come_once_for_each_computed_call(ddim: Workflow) -> None:
    said: list[tuple[int, int]] = []
    ddim.run(noise(), callback=lambda step, x0, x, total: said.append((step, total)))
    assert said == [(step, 4) for step in range(4)]


def test_an_interrupted_run_leaves_nothing_behind(ddim: Workflow) -> None:
    from comfy import model_management

    def interrupt(step: int, *_: Any) -> None:
        model_management.interrupt_current_processing(step == 1)
        model_management.throw_exception_if_processing_interrupted()

    with pytest.raises(model_management.InterruptProcessingException):
        ddim.run(noise(), callback=interrupt)
    close(ddim.run(noise()), ddim.by_engine)


def test_two_nodes_keep_to_themselves(pack: Any, models: Path, ddim: Workflow) -> None:
    other = Workflow(pack, models, "unipc")
    close(ddim.run(noise()), ddim.by_engine)
    close(other.run(noise()), other.by_engine)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_run_may_end_early_and_be_gone_on_with(ddim: Workflow, cut: int) -> None:
    early = ddim.run(noise(), ddim.sigmas[: cut + 1])
    rest = ddim.run(torch.zeros_like(early), ddim.sigmas[cut:], early)
    close(rest, ddim.by_engine, 0.5)
    assert not torch.equal(rest, ddim.by_engine)  # sums that need the first part are Euler's steps


def test_a_noised_picture_comes_back(ddim: Workflow) -> None:
    again = ddim.run(noise(6), ddim.sigmas[3:], ddim.by_engine)
    other = ddim.run(noise(6))
    assert (again - ddim.by_engine).abs().mean() < 0.8 * (other - ddim.by_engine).abs().mean()


def test_what_a_mask_protects_stays(ddim: Workflow) -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 16:] = 1
    result = ddim.run(noise(6), latents=ddim.by_engine, mask=mask)
    close(result[..., :16], ddim.by_engine[..., :16], 1e-3)
    assert not torch.allclose(result[..., 16:], ddim.by_engine[..., 16:], atol=0.1)


def test_another_kind_of_model_is_refused(pack: Any, models: Path, ddim: Workflow) -> None:
    other = model_of(ddim.pipe, "EPS")
    node = pack.NODE_CLASS_MAPPINGS["LoadDatoPreset"]()
    with pytest.raises(MismatchError, match="predict v_prediction, but epsilon here"):
        node.load("under", other)
    guider = guider_of(ddim.pipe, other)
    with pytest.raises(MismatchError, match="epsilon here"):
        guider.sample(noise(), torch.zeros(1, 6, 32, 32), ddim.sampler, ddim.sigmas)


def test_other_noise_levels_are_refused(ddim: Workflow) -> None:
    with pytest.raises(MismatchError, match="are not this sampler's"):
        ddim.run(noise(), torch.tensor([14.6, 5.0, 1.0, 0.0]))
