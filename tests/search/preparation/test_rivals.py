"""A sampler that a study's settings break is no rival: the defaults of its class are."""

from __future__ import annotations

from dataclasses import replace

from search.model.base_sampler import based, settled
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.records.base_sampler import Base
from search.records.quality import Quality
from search.records.rival import Rival
from search.records.rivals import with_better_settings

DPM = "DPMSolverMultistepScheduler"
BROKEN = ModelConfig(
    scheduler=DPM,
    scheduler_settings={"use_karras_sigmas": True},
    guidance_scale=2.0,
    batch_size=1,
)
"""The embedded model ends at pure noise (zero-SNR), where 8 Karras steps of DPM-Solver++ fail in
plain diffusers, too."""


def test_karras_sigmas_that_break_a_sampler_lose_to_its_defaults() -> None:
    workload = Workload(("a red circle on a white background",), seed=1)
    own = replace(BROKEN, scheduler="own", scheduler_settings={}, num_inference_steps=12)
    truth = Generator(own, workload).generate(None, [0]).latents
    generator = Generator(BROKEN, workload)

    rivals = []
    for tried in settled(generator, [Base(DPM, 8)]):
        assert not isinstance(tried, str)
        with based(generator, tried.base) as other:
            latents = other.generate(None, [0]).latents
        off = float((latents - truth).pow(2).mean() / truth.var())
        quality = Quality(fid_real=0.0, fid_reference=off, distance=off, images=1)
        rivals.append(Rival(DPM, 8, 8, 1.0, 1.0, quality, settings=tried.base.settings))

    broken, healthy = rivals
    assert broken.quality.distance > 5 * healthy.quality.distance
    assert dict(healthy.settings)["use_karras_sigmas"] is False
    for order in (rivals, rivals[::-1]):
        assert with_better_settings(order, "fid_reference") == (healthy,)
    assert healthy.name == "DPM-Solver++ 2M, default settings, 8 steps"
