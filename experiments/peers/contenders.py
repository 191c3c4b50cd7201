"""Caches for diffusion transformers: dato's, diffusers' own, and cache-dit's where installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import diffusers
import torch
from diffusers.hooks.mag_cache import MagCacheConfig

import dato
from dato import Kind, Schedule
from experiments.peers.models import Model, counted

Contender = Callable[[Model], AbstractContextManager[None]]


def schedule(model: Model, depth: int, forecast: Any) -> AbstractContextManager[Any]:
    """dato: the calls in between stand on the output (depth 0) or on a cut."""
    kinds = {"full": Kind(), "between": Kind(depth, forecast=forecast)}
    steps = tuple("full" if call in model.full else "between" for call in range(model.steps))
    return dato.applied(model.pipe, Schedule(kinds, steps))


@contextmanager
def cached(model: Model, config: Any) -> Iterator[None]:
    """One of diffusers' caches."""
    model.pipe.transformer.enable_cache(config)
    try:
        yield
    finally:
        model.pipe.transformer.disable_cache()


def taylor(lite: bool) -> Contender:
    """TaylorSeer, of first order: the attentions, or in its lite mode the output."""

    def contender(model: Model) -> AbstractContextManager[None]:
        config = diffusers.TaylorSeerCacheConfig(
            cache_interval=model.interval,
            disable_cache_before_step=1,
            taylor_factors_dtype=torch.float32,
            use_lite_mode=lite,
        )
        return cached(model, config)

    return contender


def first_block(model: Model) -> AbstractContextManager[None]:
    """FirstBlockCache, at the threshold with which it computes as many blocks."""
    return cached(model, _matched(model, lambda at: diffusers.FirstBlockCacheConfig(threshold=at)))


def magnitudes(model: Model) -> AbstractContextManager[None]:
    """MagCache, calibrated on these very runs, at the threshold for as many blocks."""
    ratios = _ratios(model)

    def config(threshold: float) -> MagCacheConfig:
        return MagCacheConfig(
            threshold=threshold,
            max_skip_steps=model.steps,
            retention_ratio=0.1,
            num_inference_steps=model.steps,
            mag_ratios=ratios,
        )

    return cached(model, _matched(model, config))


def _ratios(model: Model) -> Any:
    """What MagCache's calibration logs, and keeps on its first block."""
    lines: list[Any] = []
    original = diffusers.hooks.mag_cache.logger.info
    diffusers.hooks.mag_cache.logger.info = lambda text, *rest: lines.append(text)
    settings = MagCacheConfig(calibrate=True, num_inference_steps=model.steps)
    try:
        with cached(model, settings):
            model.run()
    finally:
        diffusers.hooks.mag_cache.logger.info = original
    text = next(line for line in lines if "[" in str(line))
    return [float(each) for each in text[text.index("[") + 1 : text.index("]")].split(",")]


def _matched(model: Model, config: Callable[[float], Any], rounds: int = 9) -> Any:
    """The setting whose run computes the most blocks of those that compute at most as many as the
    static contenders."""
    wanted, low, high = len(model.full) * model.blocks, 0.0, 4.0
    for _ in range(rounds):
        middle = (low + high) / 2
        with cached(model, config(middle)), counted() as count:
            model.run()
        low, high = (low, middle) if count.attentions <= wanted else (middle, high)
    return config(high)


def dit_cache(taylorseer: bool) -> Contender:
    """cache-dit's DBCache at the same calls; it computes at least one block at every call."""

    @contextmanager
    def contender(model: Model) -> Iterator[None]:
        import cache_dit

        mask = [int(call in model.full) for call in range(model.steps)]
        settings = cache_dit.DBCacheConfig(
            Fn_compute_blocks=1,
            Bn_compute_blocks=0,
            max_warmup_steps=1,
            num_inference_steps=model.steps,
            steps_computation_mask=mask,
            steps_computation_policy="static",
        )
        order = cache_dit.TaylorSeerCalibratorConfig(taylorseer_order=1) if taylorseer else None
        cache_dit.enable_cache(model.pipe, cache_config=settings, calibrator_config=order)
        try:
            yield
        finally:
            cache_dit.disable_cache(model.pipe)

    return contender


CONTENDERS: dict[str, Contender] = {
    "dato, output held": lambda model: schedule(model, 0, "hold"),
    "dato, output forecast linearly": lambda model: schedule(model, 0, "linear"),
    "dato, depth 1, cut held": lambda model: schedule(model, 1, "hold"),
    "dato, depth 1, cut forecast linearly": lambda model: schedule(model, 1, "linear"),
    "diffusers TaylorSeer, lite": taylor(True),
    "diffusers TaylorSeer": taylor(False),
    "diffusers FirstBlockCache": first_block,
    "diffusers MagCache": magnitudes,
    "cache-dit DBCache": dit_cache(False),
    "cache-dit DBCache, TaylorSeer": dit_cache(True),
}
