"""What a study must know of a loaded model, wherever it was loaded."""

from __future__ import annotations

from dataclasses import dataclass

from dato import Topology
from search.evaluate.cost_setting import Place, Work


@dataclass(frozen=True)
class Facts:
    """A loaded model as the machine knows it that loaded it.

    Args:
        work: what a run computes; ``place``: where.
        fingerprint: of the denoiser's weights (:func:`dato.fingerprint`).
    """

    work: Work
    place: Place
    fingerprint: str

    @property
    def calls(self) -> int:
        """Denoiser calls of one run."""
        return self.work.calls

    @property
    def topology(self) -> Topology:
        return self.work.topology

    def differences(self, other: Facts) -> tuple[str, ...]:
        """Why images of ``other`` would have other bits, such as ``"device A, not B"``."""
        found = list(self.work.differences(other.work))
        for name in type(self.place).model_fields:
            mine, theirs = getattr(self.place, name), getattr(other.place, name)
            if mine != theirs:
                found.append(f"{name} {theirs}, not {mine}")
        return (*found, *(() if self.fingerprint == other.fingerprint else ("weights",)))
