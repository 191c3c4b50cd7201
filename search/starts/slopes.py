"""How far planned starts go along their lines: tried out, because the guidance scale decides."""

from __future__ import annotations

import math
from collections.abc import Mapping

from dato import Slope
from search.errors import TrialError
from search.preparation.instruments import Instruments
from search.records.base_sampler import Run
from search.space import Space, SpaceContext
from search.space.domains import Value, nearest
from search.starts.writing import Params

CANDIDATES = (
    *(Slope(), Slope(1.0, 1.4), Slope(0.4, 1.0), Slope(0.0, 1.4)),
    *(Slope(0.4, 0.4), Slope(0.0, 0.0)),
)
"""The straight line, what suits a low guidance scale, what suits a high one, what suits a sampler
with few calls that draws lines of its own (DPM-Solver++ 2M), and holding. On pocket the second is
best at a scale of 2 with 6 to 12 full calls, the third and fourth at a scale of 4
(``python -m experiments.forecast.slopes``)."""


def best_slope(instruments: Instruments, params: Mapping[str, Value]) -> Params:
    """The candidate that the space has under which a start makes the best images.

    Every candidate makes the first rung's images.

    Args:
        params: of the start.

    Returns:
        values of the space's slopes by the name of the parameter; none where it searches none.
    """
    space, context = instruments.space, instruments.context
    slopes = candidates(space, context)
    if len(slopes) < 2:
        return slopes[0]
    runs = [space.run({**params, **slope}, context) for slope in slopes]
    base = runs[0].base
    on = "" if base is None else f" on {base.title}"
    schedule = runs[0].schedule
    assert schedule is not None
    full = sum(schedule.kind(call).depth == "full" for call in range(schedule.calls))
    instruments.watcher.stage(
        f"slopes of planned starts{on}: {len(slopes)} tried with {full} full calls"
    )
    losses = [_loss(instruments, run) for run in runs]
    return slopes[losses.index(min(losses))]


def candidates(space: Space, context: SpaceContext) -> list[Params]:
    """What a space has of :data:`CANDIDATES`, each once."""
    domains = {
        parameter.name: parameter.domain
        for parameter in space.parameters(context)
        if parameter.name.startswith("forecast.slope.")
    }
    distinct: list[Params] = []
    for slope in CANDIDATES:
        wanted = {f"forecast.slope.{end}": value for end, value in vars(slope).items()}
        params = {name: nearest(domain, wanted[name]) for name, domain in domains.items()}
        if params not in distinct:
            distinct.append(params)
    return distinct


def _loss(instruments: Instruments, run: Run) -> float:
    """What the search minimises; infinite where the images cannot be made or scored."""
    evaluator, quality = instruments.evaluator, instruments.config.quality
    try:
        images = instruments.pool.generate(run, range(quality.rung_images))
        loss = evaluator.rung_meter.quality(images).loss(quality.objective)
    except TrialError:
        return math.inf
    return math.inf if loss is None else loss
