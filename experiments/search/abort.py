"""Would stopping a trial in the middle of its first rung pay? Measured on the trials of compare.py.

python -m experiments.search.abort --cache /tmp/compare --schedules 120

Generates the first rung of seed 0 again for cached schedules, in the order in which they were made,
and follows how far the latents have come from the reference's after each call. A trial is then
stopped at the first call at which that divergence exceeds, by a margin learnt as the first rung's
is, that of a trial of no more latency.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from dato import Schedule
from experiments.search.world import SEARCH_IMAGES, STEPS, World
from search.pareto import non_dominated
from search.records.schema import ScheduleWire
from search.study.rung_margin import learned_margin

HERE = Path(__file__).parent
CALLS = (4, 9, 14, 19)


@dataclass(frozen=True)
class Followed:
    """One schedule: cost share, FIDs on 4 and on 8 images, divergence after each call, and the
    share of its cost that is spent by then."""

    share: float
    few: float
    fid: float
    divergence: tuple[float, ...]
    spent: tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--schedules", type=int, default=120)
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = World(options.cache, HERE / "cost_table.json")
    trials = follow(world, options.schedules)
    front = set(non_dominated([(own.fid, own.share) for own in trials]))
    print(f"{len(trials)} schedules, {len(front)} on the front")
    for calls in [(call,) for call in CALLS] + [CALLS]:
        print(f"looking after calls {calls}: {replay(trials, calls, front)}")
    print(f"looking at the FID of the first rung: {replay(trials, (), front)}")


def follow(world: World, count: int) -> list[Followed]:
    """The first ``count`` cached schedules that seed 0 scored on all its images."""
    reference = world.generator.trajectory(0, None)
    indices = range(SEARCH_IMAGES)
    meter, few = world.meter(indices), world.meter(indices[: len(indices) // 2])
    found: list[Followed] = []
    for path in sorted(world.cache.glob("*/*.json"), key=lambda path: path.stat().st_mtime):
        made = [path.with_name(f"{path.stem}-search-{chunk}.safetensors") for chunk in (0, 1)]
        if len(found) == count or not all(each.is_file() for each in made):
            continue
        schedule = ScheduleWire.model_validate_json(path.read_text()).to_schedule()
        fid = meter.quality(world.images(schedule, indices)).fid_reference
        if fid > 0:
            missed = (world.generator.trajectory(0, schedule) - reference).flatten(1)
            found.append(
                Followed(
                    world.share(schedule),
                    few.quality(world.images(schedule, indices[: few.count])).fid_reference,
                    fid,
                    tuple(missed.double().square().mean(1).tolist()),
                    _spent(world, schedule),
                )
            )
    return found


def _spent(world: World, schedule: Schedule) -> tuple[float, ...]:
    topology = world.generator.topology
    costs = [
        world.table.price_call(schedule.kind(call), topology, schedule.tokens)
        for call in range(schedule.calls)
    ]
    return tuple(sum(costs[: call + 1]) / sum(costs) for call in range(schedule.calls))


def replay(trials: Sequence[Followed], calls: Sequence[int], front: set[int]) -> str:
    """Stop by the divergence after ``calls`` (none: by the FID of the first rung)."""
    survivors: list[Followed] = []
    stopped, lost, saved = 0, 0, 0.0
    for number, own in enumerate(trials):
        call = _stop(own, survivors, calls)
        if call is None:
            survivors.append(own)
            continue
        stopped += 1
        lost += number in front
        saved += own.share * (1 - own.spent[call])
    whole = sum(own.share for own in trials)
    return (
        f"{stopped} stopped, {lost} front members lost, "
        f"{saved / whole:.1%} of the first rungs' cost saved"
    )


def _stop(own: Followed, survivors: Sequence[Followed], calls: Sequence[int]) -> int | None:
    def worse(value: float, others: Sequence[float], margin: float) -> bool:
        pairs = zip(survivors, others, strict=True)
        return any(s.share <= own.share and other * margin < value for s, other in pairs)

    for call in calls:
        others = [each.divergence[call] for each in survivors]
        losses = list(zip(others, [each.fid for each in survivors], strict=True))
        if worse(own.divergence[call], others, learned_margin(losses, 10.0)):
            return call
    if not calls:
        others = [each.few for each in survivors]
        losses = list(zip(others, [each.fid for each in survivors], strict=True))
        if worse(own.few, others, learned_margin(losses, 10.0)):
            return STEPS - 1
    return None


if __name__ == "__main__":
    main()
