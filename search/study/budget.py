"""When a search ends: at a limit of trials, images, denoiser calls or seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from search.records.record import TrialRecord
from search.settings import BudgetSettings
from search.settings.duration import duration_text, parse_duration

IDLE_TRIALS = 200
"""This many trials in a row without a new image mean that the space holds nothing new."""


@dataclass(frozen=True)
class Spent:
    """What a study has used.

    Args:
        trials: finished trials, without those whose process died, which are tried again.
        images: generated images, those that samplers are tuned towards among them.
        calls: denoiser calls for one image, those of tunings too. A cached or pruned call counts by
            its cost, as a share of a full one.
        seconds: wall-clock seconds inside trials.
    """

    trials: int
    images: int
    calls: float
    seconds: float

    @classmethod
    def by(cls, records: Sequence[TrialRecord]) -> Spent:
        """What the trials of a study used, over all its runs."""
        return cls(
            trials=sum(not record.lost for record in records),
            images=sum(record.made for record in records),
            calls=sum(record.calls for record in records),
            seconds=sum(record.seconds for record in records),
        )

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.trials + other.trials,
            self.images + other.images,
            self.calls + other.calls,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Budget:
    """The most that a search may use. No trial starts once a limit is reached; ``None`` is no
    limit. Trials are tuned after the search, so what they use is beyond its limits; a study that
    goes on has that much less left.

    Args:
        trials, images, calls, seconds: see :class:`Spent`.
    """

    trials: int | None = None
    images: int | None = None
    calls: float | None = None
    seconds: float | None = None

    @classmethod
    def of(cls, settings: BudgetSettings) -> Budget:
        """The limits that are set, or ``default_trials`` if none is."""
        seconds = None if settings.time is None else parse_duration(settings.time)
        budget = cls(settings.trials, settings.images, settings.calls, seconds)
        return cls(trials=settings.default_trials) if budget == cls() else budget

    def share(self, spent: Spent) -> float:
        """The used share of the nearest limit, from 0 to 1."""
        return min(1.0, max(used / limit for _, used, limit in self._limits(spent)))

    def ended(self, records: Sequence[TrialRecord]) -> bool:
        """Whether no further trial may start, at a limit or because nothing new is proposed."""
        idle = sum(1 for _ in takewhile(lambda record: not record.images, reversed(records)))
        return idle >= IDLE_TRIALS or self.share(Spent.by(records)) >= 1

    def room(self, records: Sequence[TrialRecord], running: int) -> bool:
        """Whether a trial may start beside ``running`` others, assuming that they all end."""
        trials = Spent.by(records).trials + running
        return not self.ended(records) and (self.trials is None or trials < self.trials)

    def describe(self, spent: Spent) -> str:
        """Each limit and its use, such as ``"12 of 30 trials, 96 of 400 images"``."""
        parts = []
        for name, used, limit in self._limits(spent):
            if name == "trials" and used > limit:
                parts.append(f"{used:,.0f} trials, {used - limit:,.0f} of them beyond {limit:,.0f}")
            elif name == "seconds":
                parts.append(f"{duration_text(used)} of {duration_text(limit)}")
            else:
                parts.append(f"{used:,.0f} of {limit:,.0f} {name}")
        return ", ".join(parts)

    def _limits(self, spent: Spent) -> Iterator[tuple[str, float, float]]:
        for name in ("trials", "images", "calls", "seconds"):
            limit = getattr(self, name)
            if limit is not None:
                yield name, getattr(spent, name), limit
