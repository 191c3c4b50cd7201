"""Peak memory of a run under a schedule, above that of the unpatched run."""

from __future__ import annotations

from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

import dato
from dato import Schedule
from experiments.engine.pipelines import SharedUNet

CALLS = 4


def extra_bytes(shared: SharedUNet, depths: range) -> dict[int, int]:
    """Peak bytes over the unpatched run's, for a full call and then cached ones of each depth."""
    plain = _peak(shared.pipe(), shared)
    extra = {}
    for depth in depths:
        schedule = Schedule.uniform(CALLS, CALLS, depth)
        extra[depth] = _peak(dato.apply(shared.pipe(), schedule), shared) - plain
    return extra


def _peak(pipe: Any, shared: SharedUNet) -> int:
    inputs = shared.inputs()
    if shared.unet.device.type == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        pipe(**inputs, num_inference_steps=CALLS)
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        pipe(**inputs, num_inference_steps=CALLS)
    return _peak_on_cpu(profiler)


def _peak_on_cpu(profiler: Any) -> int:
    """Largest sum of allocations so far; the profiler notes every one and every release."""
    events = profiler.profiler.kineto_results.events()
    changes = [(each.start_ns(), each.nbytes()) for each in events if each.name() == "[memory]"]
    held = peak = 0
    for _, change in sorted(changes, key=lambda change: change[0]):
        held += change
        peak = max(peak, held)
    return peak
