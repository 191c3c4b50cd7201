"""The runs that are compared on a transformer: outputs, fewer steps, cuts and pruning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from dato import Schedule, Slope
from dato.schedule import Depth, Forecast
from experiments.forecast.no_worse import pruned
from experiments.forecast.world import World, schedule_of
from search.calibration.fit import Fitted
from search.calibration.placement import Placement
from search.calibration.planned_timesteps import planned_timesteps
from search.latency.cost_table import CostTable
from search.records.base_sampler import Base
from search.records.timesteps import Timesteps

STEPS = 28
COUNTS = (4, 6, 8)
CUT_COUNTS = (4, 6)
PRUNED_COUNTS = (6, 8)
SLOPES = ((0.0, 0.0), (0.0, 0.6), (0.0, 1.4), (0.4, 1.0), (1.0, 1.4))
CUTS: tuple[tuple[Depth, Forecast], ...] = (
    *((1, "hold"), (1, "linear"), (1, "fitted"), (2, "fitted"), (3, "fitted")),
)
RATIOS = (0.3, 0.5, 0.7)
EULER, UNIPC = "FlowMatchEulerDiscreteScheduler", "UniPCMultistepScheduler"
LINES = "planned, linear"


@dataclass(frozen=True)
class Row:
    """One run.

    Args:
        part, way: what is compared, and how it is done; ``full``: full calls.
        cost: of the run, in full calls.
        fid, psnr: to the unpatched images; dB.
    """

    part: str
    way: str
    full: int
    cost: float
    fid: float
    psnr: float


@dataclass(frozen=True)
class Measuring:
    """A world, and what its schedules cost."""

    world: World
    table: CostTable

    def row(self, part: str, way: str, full: int, schedule: Schedule) -> Row:
        """Of a schedule."""
        topology = self.world.generator.topology
        seconds = self.table.price(schedule, topology) - self.table.fixed_s
        near = self.world.near(schedule)
        return Row(part, way, full, seconds / self.table.depth_s["full"], near.fid, near.psnr)

    def plain(self, way: str, base: Base) -> Row:
        """Of a plain run of few steps."""
        near = self.world.near(None, base)
        return Row("fewer steps", way, base.steps, float(base.steps), near.fid, near.psnr)


def outputs(measuring: Measuring) -> Iterator[Row]:
    """Full calls, evenly placed and planned; all others forecast the output."""
    world = measuring.world
    held, lines = world.plans("hold"), world.plans()
    for count in COUNTS:
        even = tuple(round(place * STEPS / count) for place in range(count))
        ways = {
            "even, hold": Placement(even, 0.0, "hold").schedule(STEPS),
            "even, linear": Placement(even, 0.0).schedule(STEPS),
            "planned, hold": held[count].schedule(STEPS),
            LINES: lines[count].schedule(STEPS),
        }
        for early, late in SLOPES:
            slope = Slope(early, late)
            ways[f"planned, slopes {early:g} and {late:g}"] = ways[LINES].sloped(slope)
        for way, schedule in ways.items():
            yield measuring.row("outputs", way, count, schedule)


def fewer_steps(measuring: Measuring) -> Iterator[Row]:
    timesteps = planned_timesteps(measuring.world.calibration(), COUNTS)
    for count in COUNTS:
        planned = Timesteps("planned", timesteps[count])
        yield measuring.plain("Euler, own timesteps", Base(EULER, count))
        yield measuring.plain(
            "Euler, timesteps planned for lines", Base(EULER, count, timesteps=planned)
        )
        yield measuring.plain("UniPC, own timesteps", Base(UNIPC, count))


def cuts(measuring: Measuring) -> Iterator[Row]:
    """One call of a depth in the middle of every gap, outputs held elsewhere; and all calls in
    between at a depth."""
    world, fitted = measuring.world, Fitted(measuring.world.calibration())
    for count in CUT_COUNTS:
        full = world.plans("hold")[count].full
        for depth, forecast in CUTS:
            schedule = schedule_of(_halfway(full, depth), "hold", forecast, fitted)
            way = f"depth {depth} once a gap, cut {forecast}"
            yield measuring.row("cuts", way, count, schedule)
        every: list[Depth] = ["full" if call in full else 1 for call in range(STEPS)]
        schedule = schedule_of(every, "hold", "fitted", fitted)
        yield measuring.row("cuts", "depth 1 everywhere, cut fitted", count, schedule)


def _halfway(full: tuple[int, ...], depth: Depth) -> list[Depth]:
    depths: list[Depth] = [0] * STEPS
    for call, later in pairwise((*full, STEPS)):
        depths[call] = "full"
        if later - call > 1:
            depths[(call + later) // 2] = depth
    return depths


def pruning(measuring: Measuring) -> Iterator[Row]:
    """Full calls drop image tokens from the attention of all blocks; outputs are held between."""
    for count in PRUNED_COUNTS:
        held = measuring.world.plans("hold")[count].schedule(STEPS)
        for ratio in RATIOS:
            way = f"{ratio:g} of the tokens pruned"
            yield measuring.row("pruning", way, count, pruned(held, ratio))
