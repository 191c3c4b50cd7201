"""How far planned starts go along their lines: tried out, because the guidance scale decides."""

from __future__ import annotations

import math

from dato import Schedule
from search.errors import TrialError
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base, Run
from search.space import Space, SpaceContext
from search.space.domains import Value, nearest
from search.space.slopes import LINE, Slopes
from search.study.watching import StageWatcher

CANDIDATES = (LINE, Slopes(1.0, 1.4), Slopes(0.4, 1.0), Slopes(0.0, 1.4), Slopes(0.0, 0.0))
"""The straight line, what suits a low guidance scale, what suits a high one, and holding. On pocket
the second is best at a scale of 2 with 6 to 12 full calls, the third and fourth at a scale of 4
(``python -m experiments.forecast.slopes``)."""

Params = dict[str, Value]
"""Values of the space's slopes by the name of the parameter; none where it searches none."""


def best_slopes(instruments: Instruments, space: Space, run: Run, watcher: StageWatcher) -> Params:
    """The candidate that the space has under which ``run`` makes the best images.

    Every candidate makes the first rung's images.
    """
    assert run.schedule is not None
    context = instruments.context
    params = space.encode(run.schedule, context, run.base)
    assert params is not None, "the space has the run"
    found = candidates(space, context)
    if len(found) < 2:
        return found[0]
    on = "" if run.base is None else f" on {run.base.title}"
    full = sum(run.schedule.kind(call).depth == "full" for call in range(run.schedule.calls))
    watcher.stage(f"slopes of planned starts{on}: {len(found)} tried with {full} full calls")
    tried = [space.decode(params | own, context) for own in found]
    losses = [_loss(instruments, each, run.base) for each in tried]
    return found[losses.index(min(losses))]


def candidates(space: Space, context: SpaceContext) -> list[Params]:
    """What a space has of :data:`CANDIDATES`, each once."""
    domains = {
        own.name: own.domain
        for own in space.parameters(context)
        if own.name.startswith("forecast.slope.")
    }
    found: list[Params] = []
    for slopes in CANDIDATES:
        wanted = {f"forecast.slope.{end}": value for end, value in vars(slopes).items()}
        own = {name: nearest(domain, wanted[name]) for name, domain in domains.items()}
        if own not in found:
            found.append(own)
    return found


def _loss(instruments: Instruments, schedule: Schedule, base: Base) -> float:
    """What the search minimises; infinite where the images cannot be made or scored."""
    evaluator, few = instruments.evaluator, instruments.config.quality.rung_images
    try:
        images = instruments.pool.generate(schedule, range(few), base=base)
        loss = evaluator.rung_meter.quality(images).loss(instruments.config.quality.objective)
    except TrialError:
        return math.inf
    return math.inf if loss is None else loss
