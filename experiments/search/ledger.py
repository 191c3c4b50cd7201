"""What a method has spent on images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.search.world import World
from search.model.images import Images
from search.records.base_sampler import UNPATCHED, Run


@dataclass
class Ledger:
    """A method's source of images: says what they cost, in unpatched images.

    Args:
        first: the method's image 0 in the pool.
    """

    world: World
    first: int = 0
    spent: float = 0.0

    def generate(self, run: Run, indices: Sequence[int], *, heldout: bool = False) -> Images:
        """See :class:`search.workers.pool.Pool`."""
        assert not heldout, "the audit is not the method's"
        schedule = run.schedule
        self.spent += len(indices) * (1.0 if schedule is None else self.world.share(schedule))
        return self.world.images(schedule, [self.first + index for index in indices])

    def reference(self, count: int) -> Images:
        """The first unpatched images, paid for."""
        return self.generate(UNPATCHED, range(count))
