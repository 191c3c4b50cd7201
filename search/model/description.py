"""A loaded model as a study must know it, in whichever process it was loaded."""

from __future__ import annotations

from dataclasses import dataclass

from dato import Topology
from search.model.cost_setting import Place, Work


@dataclass(frozen=True)
class ModelDescription:
    """A loaded model, described by the process that loaded it.

    Args:
        work: what a run computes; ``place``: where.
        fingerprint: of the denoiser's weights (:func:`dato.fingerprint`).
        cut_prompts: how many of the search's prompts are longer than CLIP reads.
    """

    work: Work
    place: Place
    fingerprint: str
    cut_prompts: int = 0

    @property
    def calls(self) -> int:
        """Denoiser calls of one run."""
        return self.work.calls

    @property
    def topology(self) -> Topology:
        return self.work.topology

    def differences(self, other: ModelDescription) -> tuple[str, ...]:
        """Why images of ``other`` would have other bits, such as ``"device A, not B"``."""
        weights = () if self.fingerprint == other.fingerprint else ("weights",)
        work, place = self.work.differences(other.work), self.place.differences(other.place)
        return (*work, *place, *weights)
