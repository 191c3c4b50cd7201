"""The pipelines that are compared: what a user would do instead, the other tools, and ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dato import Kind, Schedule, list_presets, load_preset
from experiments.benchmark.patches import deepcache, tome
from search.calibration.fit import Fitted
from search.calibration.placement import placements
from search.calibration.planned_timesteps import planned_timesteps
from search.calibration.table import Calibration
from search.model.generator import Generator
from search.records.timesteps import OWN_TIMESTEPS, Timesteps

SAMPLERS = {
    "DDIM": "DDIMScheduler",
    "DPM-Solver++ 2M": "DPMSolverMultistepScheduler",
    "UniPC": "UniPCMultistepScheduler",
}
FEWER = (12, 8, 6, 5, 4)
INTERVALS = (5, 8, 10)
PLANNED = (12, 8, 6, 5, 4)
RATIO = 0.5

TAKES_TIMESTEPS = "DPM-Solver++ 2M"
"""The sampler that a user can give timesteps to; in diffusers 0.42 UniPC takes none."""


class Make(Protocol):
    """Makes a fresh, unpatched model."""

    def __call__(
        self, scheduler: str, steps: int, timesteps: Timesteps = OWN_TIMESTEPS
    ) -> Generator:
        """With this sampler: the class of its scheduler, the steps, and where they are."""
        ...


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Args:
        name: what a person reads; ``family``: its line in the plot.
        generator: the model, with a patch in place or with a sampler of its own.
        schedule: run through ``dato.apply``; ``None`` for everything that is not ours.
    """

    name: str
    family: str
    generator: Generator
    schedule: Schedule | None = None


def contenders(make: Make, steps: int, calibration: Calibration) -> tuple[Contender, ...]:
    """All contenders, the unpatched model with ``steps`` DDIM steps first."""
    plain = make(SAMPLERS["DDIM"], steps)
    return (
        Contender(f"unpatched, {steps} DDIM steps", "unpatched", plain),
        *_fewer_steps(make),
        *_at_planned_timesteps(make, calibration),
        *_other_tools(make, steps),
        *(Contender(name, family, plain, schedule) for name, family, schedule in ours(calibration)),
        *(_preset(make, name) for name in list_presets(model="pocket")),
    )


def _fewer_steps(make: Make) -> Sequence[Contender]:
    return [
        Contender(f"{name}, {steps} steps", f"fewer {name} steps", make(scheduler, steps))
        for name, scheduler in SAMPLERS.items()
        for steps in FEWER
    ]


def _at_planned_timesteps(make: Make, calibration: Calibration) -> Sequence[Contender]:
    planned = planned_timesteps(calibration, FEWER)
    family = f"{TAKES_TIMESTEPS}, planned timesteps"
    return [
        Contender(
            f"{TAKES_TIMESTEPS}, {steps} steps, planned timesteps",
            family,
            make(SAMPLERS[TAKES_TIMESTEPS], steps, Timesteps("planned", planned[steps])),
        )
        for steps in FEWER
    ]


def _preset(make: Make, name: str) -> Contender:
    """On the preset's sampler: a tuned one has as many steps as calls."""
    preset = load_preset(name)
    sampler = preset.sampler
    return Contender(
        name, "preset", make(sampler.scheduler, sampler.num_inference_steps), preset.schedule
    )


def _other_tools(make: Make, steps: int) -> Sequence[Contender]:
    def patched(interval: int | None, ratio: float | None) -> Generator:
        generator = make(SAMPLERS["DDIM"], steps)
        # Described while it is plain: dato does not look into blocks that others have patched.
        _ = generator.work
        if ratio is not None:
            tome(generator.pipe, ratio)
        if interval is not None:
            deepcache(generator.pipe, interval)
        return generator

    often = INTERVALS[0]
    return [
        *(
            Contender(
                f"DeepCache, every {interval}, branch 0", "DeepCache", patched(interval, None)
            )
            for interval in INTERVALS
        ),
        Contender(f"tomesd, ratio {RATIO}", "tomesd", patched(None, RATIO)),
        Contender(f"DeepCache, every {often}, with tomesd", "DeepCache", patched(often, RATIO)),
    ]


def ours(calibration: Calibration) -> Sequence[tuple[str, str, Schedule]]:
    """Name, family and schedule of what the engine runs without a search."""
    calls = calibration.calls
    rows: list[tuple[str, str, Schedule]] = []
    for interval in INTERVALS:
        reused = Schedule.uniform(calls, interval, 0)
        linear = Schedule.uniform(calls, interval, 0, forecast="linear")
        rows += [
            (f"output reused, full every {interval}", "reuse", reused),
            (f"output linear, full every {interval}", "linear", linear),
            (
                f"output linear, full every {interval}, fitted depth 1 halfway",
                "fitted",
                halfway(interval, calibration),
            ),
        ]
    plans = {len(plan.full): plan for plan in placements(calibration)}
    for count in PLANNED:
        schedule = plans[count].schedule(calls)
        rows.append((f"output linear, {count} planned full calls", "planned", schedule))
    return rows


def halfway(interval: int, calibration: Calibration) -> Schedule:
    """Full calls every ``interval``, between two of them a call of depth 1 around a fitted cut, and
    linear outputs for the rest."""
    kinds = {
        "full": Kind(),
        "shallow": Kind(1, forecast="fitted"),
        "held": Kind(0, forecast="linear"),
    }
    names = {0: "full", interval // 2: "shallow"}
    steps = tuple(names.get(call % interval, "held") for call in range(calibration.calls))
    depths = [kinds[step].depth for step in steps]
    weights = Fitted(calibration)(depths, [kinds[step].forecast for step in steps])
    return Schedule(kinds, steps, weights=weights)
