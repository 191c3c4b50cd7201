"""The search that the paper publishes, at this scale: NSGA-II from pymoo, prompts redrawn.

Depths first, with a population of 15; then ratios with 25, for the schedules that the first stage
ended with. Images per trial and the share of all images that each stage may spend are the paper's
(15 x 30 trials of 32 images, then 25 x 100 of 16: a quarter of the images goes to the first), at a
quarter of its images per trial. How the paper goes on with several schedules of the first stage is
our reading: an individual of the second stage holds one of them and its ratios.

To the protocol's advantage, the unpatched images that redrawn prompts are compared with are free.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.evaluator import Evaluator
from pymoo.core.problem import Problem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.problems.static import StaticProblem

from dato import Kind, Schedule
from dato.schedule import Depth, Forecast
from experiments.search.ledger import Ledger
from experiments.search.seen import Seen
from experiments.search.world import BATCH, POOL_IMAGES, World
from search.pareto import non_dominated
from search.records.base_sampler import Run

DEPTHS: tuple[Depth, ...] = (0, 1, 2, 3, "full")
RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
STAGES = ((15, 8), (25, 4))
"""Population and images per trial."""

FIRST_SHARE = 15 * 30 * 32 / (15 * 30 * 32 + 25 * 100 * 16)
"""Of all images, the first stage's."""

OUTPUTS: tuple[Forecast, ...] = ("hold", "linear")
CUTS: tuple[Forecast, ...] = ("hold", "linear", "fitted")
"""What two further genes of the first stage choose, where the space has forecasts."""

Genes = NDArray[np.int64]


def published(world: World, seed: int, budget: float) -> Iterator[Seen]:
    """Both stages, the first ending at its share of ``budget`` (unpatched images)."""
    ledger, draw = Ledger(world), random.Random(seed)
    calls = world.context.calls
    depths: list[Seen] = []
    forecasts = world.forecasts == "searched"
    if forecasts:
        ledger.spent += world.calibration_cost  # which fitted forecasts take

    def by_depths(genes: Genes) -> Schedule:
        output: Forecast = OUTPUTS[genes[-2]] if forecasts else "hold"
        cut: Forecast = CUTS[genes[-1]] if forecasts else "hold"
        chosen = [DEPTHS[gene] for gene in genes[: calls - 1]]
        kinds = [
            Kind(depth) if depth == "full" else Kind(depth, forecast=output if depth == 0 else cut)
            for depth in chosen
        ]
        return _schedule(world, [Kind(), *kinds])

    population, images = STAGES[0]
    further = [len(OUTPUTS) - 1, len(CUTS) - 1] if forecasts else []
    limits = np.array([len(DEPTHS) - 1] * (calls - 1) + further)
    for seen in _evolve(ledger, draw, limits, by_depths, population, images, seed, stage=0):
        depths.append(seen)
        yield seen
        if ledger.spent >= FIRST_SHARE * budget and len(depths) % population == 0:
            break
    points = [(seen.fid or 0.0, world.share(seen.schedule)) for seen in depths]
    bases = [depths[index].schedule for index in non_dominated(points)]
    level = f"level_{world.context.finest}"

    def by_ratios(genes: Genes) -> Schedule:
        base = bases[int(genes[0])]
        kinds = [base.kind(call) for call in range(calls)]
        return _schedule(
            world,
            [
                replace(kind, prune={level: RATIOS[gene]} if gene and kind.depth else {})
                for kind, gene in zip(kinds, genes[1:], strict=True)
            ],
        )

    population, images = STAGES[1]
    limits = np.array([len(bases) - 1] + [len(RATIOS) - 1] * calls)
    yield from _evolve(ledger, draw, limits, by_ratios, population, images, seed, stage=1)


def _evolve(
    ledger: Ledger,
    draw: random.Random,
    limits: Genes,
    decode: Callable[[Genes], Schedule],
    population: int,
    images: int,
    seed: int,
    stage: int,
) -> Iterator[Seen]:
    problem = Problem(n_var=len(limits), n_obj=2, xl=0 * limits, xu=limits, vtype=int)
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=3, vtype=float, repair=RoundingRepair()),
        mutation=PM(eta=3, vtype=float, repair=RoundingRepair()),
    )
    algorithm.setup(problem, termination=("n_gen", 10**6), seed=seed, verbose=False)
    while True:
        asked = algorithm.ask()
        objectives = []
        for genes in asked.get("X"):
            schedule = decode(genes)
            fid = _redrawn(ledger, draw, schedule, images)
            objectives.append((fid, ledger.world.share(schedule)))
            yield Seen(schedule, fid, ledger.spent, "nsga2", stage)
        Evaluator().eval(StaticProblem(problem, F=np.array(objectives)), asked)
        algorithm.tell(infills=asked)


def _redrawn(ledger: Ledger, draw: random.Random, schedule: Schedule, images: int) -> float:
    """FID on prompts drawn for this trial alone."""
    chunks = sorted(draw.sample(range(POOL_IMAGES // BATCH), images // BATCH))
    indices = [chunk * BATCH + row for chunk in chunks for row in range(BATCH)]
    made = ledger.generate(Run(schedule), indices)
    return ledger.world.meter(tuple(indices)).quality(made).fid_reference


def _schedule(world: World, kinds: list[Kind]) -> Schedule:
    names = {kind: f"k{number}" for number, kind in enumerate(dict.fromkeys(kinds))}
    weights: Mapping[int, tuple[float, ...]] = {}
    if world.context.weights is not None:
        weights = world.context.weights(
            [kind.depth for kind in kinds], [kind.forecast for kind in kinds]
        )
    steps = tuple(names[kind] for kind in kinds)
    return Schedule({name: kind for kind, name in names.items()}, steps, weights=weights)
