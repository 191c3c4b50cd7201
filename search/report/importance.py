"""Which parameters moved FID and latency: a one-way analysis of variance on ranks.

For each parameter the trials are grouped by its value, and the share of the rank's variance between
the groups is adjusted for chance (Kelley 1935, "An unbiased correlation ratio measure"). An F test
decides whether there is anything to show. It has no seed, costs milliseconds, takes parameters
that only some trials have, and unlike PED-ANOVA it does not mistake a value that few trials tried
for an important one: `python -m experiments.study.importance` shuffles a study's trials for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f, rankdata

from search.records.progress import point
from search.records.record import Parameter, TrialRecord

GROUPS = 5
"""More values than these are grouped into so many of equal size."""
LEVEL = 0.05
"""Chance of showing any parameter of a study in which none matters (Bonferroni)."""
MIN_TRIALS = 12
"""Fewer are not judged."""

Effects = Mapping[str, float]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """Shares of variance that single parameters explain, from 0 to 1, the largest first.

    Args:
        fid, trade: over complete trials; ``latency``: over all trials with a price. ``trade`` is
            what is left of the FID's rank once latency's is accounted for: FID at equal speed. A
            parameter whose effect is no more than chance is left out.
        complete, priced: how many trials there were of either; below ``MIN_TRIALS`` none is judged.
        names: all parameters that varied.
    """

    fid: Effects
    trade: Effects
    latency: Effects
    complete: int
    priced: int
    names: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """Parameters with an effect, the strongest first."""
        effects = (self.fid, self.trade, self.latency)
        found = {name for each in effects for name in each}
        most = {name: max(each.get(name, 0.0) for each in effects) for name in found}
        return tuple(sorted(found, key=lambda name: (-most[name], name)))


def importance(records: Sequence[TrialRecord], objective: str) -> Importance:
    """The effects of a study's parameters on the FID that it minimised and on latency."""
    tried = [record for record in records if record.params]
    names = sorted({name for record in tried for name in record.params})
    varied = [name for name in names if len({record.params.get(name) for record in tried}) > 1]

    priced = [(r.params, r.latency_s) for r in tried if r.latency_s is not None]
    pairs = [(r.params, found) for r in tried if (found := point(r, objective)) is not None]
    complete = [params for params, _ in pairs]
    quality = np.array([value for _, (value, _) in pairs])
    speed = np.array([value for _, (_, value) in pairs])
    return Importance(
        fid=_effects(complete, quality, varied),
        trade=_effects(complete, _beside(quality, speed), varied),
        latency=_effects(
            [params for params, _ in priced], np.array([value for _, value in priced]), varied
        ),
        complete=len(complete),
        priced=len(priced),
        names=tuple(varied),
    )


def _beside(target: Values, other: Values) -> Values:
    """What a straight line through the ranks leaves of ``target`` given ``other``."""
    if len(target) < MIN_TRIALS or len(set(other)) < 2:
        return target
    left, right = rankdata(target), rankdata(other)
    left, right = left - left.mean(), right - right.mean()
    return np.asarray(left - right * (left @ right) / (right @ right))


def _effects(
    trials: Sequence[Mapping[str, Parameter]], target: Values, names: Sequence[str]
) -> Effects:
    found: dict[str, float] = {}
    for name in names:
        have = [index for index, params in enumerate(trials) if name in params]
        if len(have) < MIN_TRIALS:
            continue
        share, chance = adjusted_share(groups([trials[i][name] for i in have]), target[have])
        if chance < LEVEL / len(names):
            found[name] = share
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def groups(values: Sequence[Parameter]) -> NDArray[np.intp]:
    """The group of each value: (values,). Equal values are never parted."""
    different = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    index = np.array([different.index(value) for value in values])
    if len(different) <= GROUPS or isinstance(different[-1], str):
        return index
    place = (rankdata(index, "average") - 0.5) / len(values)
    return np.asarray(np.minimum(place * GROUPS, GROUPS - 1), dtype=np.intp)


def adjusted_share(group: NDArray[np.intp], target: Values) -> tuple[float, float]:
    """(epsilon squared, p value) of ``target``'s ranks by ``group``; (0, 1) without variance."""
    rank = rankdata(target)
    members, counts = np.unique(group, return_counts=True)
    between, within = len(members) - 1, len(rank) - len(members)
    total = float(((rank - rank.mean()) ** 2).sum())
    if between < 1 or within < 1 or total == 0:
        return 0.0, 1.0
    means = np.array([rank[group == member].mean() for member in members])
    explained = float((counts * (means - rank.mean()) ** 2).sum())
    rest = max(total - explained, 0.0) / within
    share = max((explained - between * rest) / total, 0.0)
    return share, float(f.sf(explained / between / rest, between, within)) if rest else 0.0
