"""A loaded model as a study must know it, in whichever process it was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dato import Topology
from dato.preset.fields import Setting
from search.model.cost_setting import Place, Work


@dataclass(frozen=True)
class ModelDescription:
    """A loaded model, described by the process that loaded it.

    Args:
        work: what a run computes; ``place``: where.
        fingerprint: of the denoiser's weights (:func:`dato.fingerprint`).
        cut_prompts: how many of the search's prompts are longer than CLIP reads.
        parts: digests of everything else that makes an image, by the part's name, see
            :func:`search.model.parts.digests_of`.
        settings: of its scheduler that are not the defaults of the class, by name.
    """

    work: Work
    place: Place
    fingerprint: str
    cut_prompts: int = 0
    parts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)

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
        names = sorted({*self.parts, *other.parts})
        parts = (name for name in names if self.parts.get(name) != other.parts.get(name))
        work, place = self.work.differences(other.work), self.place.differences(other.place)
        settings = () if self.settings == other.settings else ("scheduler settings",)
        return (*work, *place, *weights, *parts, *settings)
