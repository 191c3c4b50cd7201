"""Which parameters moved FID and latency: the Kruskal-Wallis test for each parameter.

The trials are grouped by the parameter's value. The test's statistic gives the share of the ranks'
variance that lies between the groups, here adjusted for chance (Kelley 1935, "An unbiased
correlation ratio measure"); its p value decides whether the parameter is shown. The test has no
seed, costs milliseconds and takes parameters that only some trials have. Unlike PED-ANOVA it does
not mistake a value that few trials tried for an important one:
`python -m experiments.study.importance` shuffles a study's trials for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kruskal, rankdata

from search.records.progress import point
from search.records.record import Parameter, TrialRecord

GROUPS = 5
"""More different values than this are put into this many groups of equal size."""
LEVEL = 0.05
"""Chance that a study in which no parameter matters shows one (Bonferroni)."""
MIN_TRIALS = 12
"""With fewer trials no parameter is judged."""

Effects = Mapping[str, float]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """Shares of variance that single parameters explain, from 0 to 1, the largest first.

    Args:
        fid, trade: over complete trials; ``latency``: over all trials with a price. ``trade`` is
            the share of what latency's rank does not explain of the FID's: FID at equal speed. A
            parameter whose effect may be chance is left out.
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
        effective = {name for each in effects for name in each}
        most = {name: max(each.get(name, 0.0) for each in effects) for name in effective}
        return tuple(sorted(effective, key=lambda name: (-most[name], name)))


def importance(records: Sequence[TrialRecord], objective: str) -> Importance:
    """The effects of a study's parameters on the FID that it minimised and on latency."""
    tried = [record for record in records if record.params and record.tuned_from is None]
    names = sorted({name for record in tried for name in record.params})
    varied = [name for name in names if len({record.params.get(name) for record in tried}) > 1]

    priced = [(r.params, r.latency_s) for r in tried if r.latency_s is not None]
    pairs = [(r.params, measured) for r in tried if (measured := point(r, objective)) is not None]
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
    shares: dict[str, float] = {}
    for name in names:
        have = [index for index, params in enumerate(trials) if name in params]
        if len(have) < MIN_TRIALS:
            continue
        share, chance = adjusted_share(groups([trials[i][name] for i in have]), target[have])
        if chance < LEVEL / len(names):
            shares[name] = share
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


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
    members, count = np.unique(group), len(target)
    if not 1 < len(members) < count or np.all(target == target[0]):
        return 0.0, 1.0
    test = kruskal(*(target[group == member] for member in members))
    left = (1 - test.statistic / (count - 1)) * (count - 1) / (count - len(members))
    return max(1 - float(left), 0.0), float(test.pvalue)
