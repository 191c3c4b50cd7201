"""The contenders. Each yields what it evaluated and what that had cost so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import optuna

from experiments.search.ledger import Ledger
from experiments.search.published import published
from experiments.search.seen import Seen
from experiments.search.world import SEARCH_IMAGES, World
from search.calibration.placement import GapForecast
from search.records.record import TrialRecord
from search.settings import SamplerSettings
from search.starts.first_trials import fastest_first, unpatched_start
from search.starts.planned import planned, spread_placements
from search.study.budget import Budget
from search.study.evaluator import EvaluationTimer, Evaluator
from search.study.refine import Refiner
from search.study.samplers import make_sampler
from search.study.search_loop import Driver, Start

OPTIONS: Mapping[str, Mapping[str, object]] = {
    "random": {},
    "nsga2": {"population_size": 15},
    "tpe": {"multivariate": True, "n_startup_trials": 16},
}
UNIFORM, PLANNED = 8, 8


@dataclass(frozen=True)
class Plain(Evaluator):
    """Evaluates every trial on all images: no rungs."""

    def _rungs(
        self, record: TrialRecord, finished: Sequence[TrialRecord], timer: EvaluationTimer
    ) -> TrialRecord:
        with timer:
            images = timer.generate(record.run, range(self.settings.images))
            quality = self.meter.quality(images)
        return replace(record, state="complete", distance=quality.distance, quality=quality)


Method = Callable[[World, int, float], Iterator[Seen]]
"""From the world, a seed and the budget that will be spent (only the published search asks)."""


def plain(name: str) -> Method:
    """An Optuna sampler alone: no rungs, no warm starts, no refinement."""

    def method(world: World, seed: int, _: float) -> Iterator[Seen]:
        driver, ledger = _driver(world, seed, name, Plain)
        yield from _run(driver, ledger)

    return method


def ours(world: World, seed: int, _: float) -> Iterator[Seen]:
    """As ``dato-search sweep space=per_call`` runs: planned and uniform warm starts, a learnt
    margin for the first rung, TPE, half of the proposals refining the front."""
    driver, ledger = _driver(world, seed, "tpe", Evaluator)
    share = world.config.sampler.refine
    driver.study.sampler = Refiner(driver.study.sampler, world.space, world.context, share, seed)
    if world.forecasts == "held":
        ledger.spent += world.calibration_cost
    forecast: GapForecast = "hold" if world.forecasts == "held" else "linear"
    plans = spread_placements(world.calibration, world.table.depth_s, PLANNED, forecast)
    space, context = world.space, world.context
    starts = [Start(planned(space.bind(context), plan)) for plan in plans]
    uniform = fastest_first(space, context, UNIFORM)
    driver.prepare([*unpatched_start(space, context), *starts, *uniform])
    yield from _run(driver, ledger)


METHODS: Mapping[str, Method] = {
    "ours": ours,
    "random": plain("random"),
    "nsga2": plain("nsga2"),
    "tpe": plain("tpe"),
    "published": published,
}


def _driver(
    world: World, seed: int, sampler: str, evaluator: type[Evaluator]
) -> tuple[Driver, Ledger]:
    ledger = Ledger(world, first=seed * SEARCH_IMAGES)
    ledger.reference(SEARCH_IMAGES)
    if world.forecasts == "searched":
        ledger.spent += world.calibration_cost  # which fitted forecasts take
    indices = range(ledger.first, ledger.first + SEARCH_IMAGES)
    settings = SamplerSettings.model_validate({"name": sampler, "options": OPTIONS[sampler]})
    study = optuna.create_study(
        directions=["minimize", "minimize"], sampler=make_sampler(settings, seed)
    )
    scorer = evaluator(
        ledger,
        world.meter(indices),
        world.meter(indices[: world.config.quality.rung_images]),
        world.table,
        world.context.topology,
        world.config.quality,
    )
    return Driver(study, world.space, world.context, scorer, "fid_reference"), ledger


def _run(driver: Driver, ledger: Ledger) -> Iterator[Seen]:
    for record in driver.run(Budget(trials=10**6)):
        fid = None if record.quality is None else record.quality.fid_reference
        if record.schedule is not None:
            yield Seen(record.schedule, fid, ledger.spent, record.origin)
