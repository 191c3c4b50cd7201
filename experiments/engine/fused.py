"""What a fused run costs beside as many plain steps: time in turns, and tensor operations.

    python -m experiments.engine.fused                 # times, pocket, batches of 1 and 4
    python -m experiments.engine.fused --operations    # counts alone
    python -m experiments.engine.fused --traces        # how long a scheduler's trace takes

Prints one line for each base sampler and batch: the time of 5 full calls of 50, fused and call by
call, over the time of 5 plain DDIM steps; medians of rounds in which all three take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler

import dato
from dato import Schedule, Slope
from dato.pocket import load_pipeline
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.traced import traced
from experiments.engine.operations import Operations

CALLS, FULL = 50, 5
BASES = (DDIMScheduler, UniPCMultistepScheduler)
PROMPT = "a red circle left of a blue square"

Run = Callable[[], Any]


def schedule() -> Schedule:
    """Full calls far from each other, straight lines in between."""
    interval = CALLS // FULL
    return Schedule.uniform(CALLS, interval, 0, forecast="linear")


def on(base: Any) -> Any:
    """Pocket with a base sampler."""
    pipe = load_pipeline()
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = base.from_config(pipe.scheduler.config)
    return pipe


def runs(base: Any, batch: int) -> dict[str, Run]:
    """What takes turns; each on a pipeline that nothing else is applied to."""

    def run(pipe: Any, steps: int) -> Run:
        def go() -> Any:
            seeded = torch.Generator().manual_seed(0)
            inputs = {"num_inference_steps": steps, "generator": seeded, "output_type": "latent"}
            return pipe([PROMPT] * batch, **inputs)

        return go

    fused = dato.apply(on(base), schedule())
    call_by_call = dato.apply(on(base), schedule(), fuse=False)
    return {
        f"{FULL} plain DDIM steps": run(on(DDIMScheduler), FULL),
        f"{FULL} plain steps": run(on(base), FULL),
        "fused": run(fused, CALLS),
        "call by call": run(call_by_call, CALLS),
    }


def timed(given: dict[str, Run], rounds: int) -> dict[str, float]:
    """Median seconds of process time, in turns, after one round of warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in given}
    for number in range(rounds + 1):
        for name, run in given.items():
            started = time.process_time()
            run()
            if number:
                seconds[name].append(time.process_time() - started)
    return {name: statistics.median(each) for name, each in seconds.items()}


def counted(given: dict[str, Run]) -> dict[str, int]:
    """Tensor operations of a second run, when traces are known."""
    counts = {}
    for name, run in given.items():
        run()
        with Operations() as operations:
            run()
        counts[name] = operations.count
    return counts


def trace_times(base: Any, rounds: int) -> dict[str, float]:
    """Median milliseconds of process time of a trace, and of the same asked for again."""
    scheduler = on(base).scheduler
    scheduler.set_timesteps(CALLS)
    seconds: dict[str, list[float]] = {"first": [], "repeated": []}
    for number in range(rounds):
        other = schedule().sloped(Slope(1.0, 1 + number / rounds))  # nobody has traced it yet
        for name in seconds:
            started = time.process_time()
            traced(scheduler, skipped_calls(other, scheduler, forecasts), other.quantity)
            seconds[name].append(time.process_time() - started)
    return {name: round(1000 * statistics.median(each), 2) for name, each in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--operations", action="store_true", help="count alone")
    parser.add_argument("--traces", action="store_true", help="time traces alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for base in (*BASES, DPMSolverMultistepScheduler) if options.traces else ():
        print(f"{base.__name__}: ms of a trace {trace_times(base, options.rounds)}")
    if options.traces:
        return
    for base in BASES:
        counts = counted(runs(base, 1))
        print(f"{base.__name__}: tensor operations {counts}")
        for batch in () if options.operations else options.batches:
            seconds = timed(runs(base, batch), options.rounds)
            first = seconds[f"{FULL} plain DDIM steps"]
            ratios = {name: round(each / first, 3) for name, each in seconds.items()}
            print(f"{base.__name__}, batch {batch}: {first:.3f} s, ratios {ratios}", flush=True)


if __name__ == "__main__":
    main()
