"""How good a schedule's images are, by the metrics that were measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from search.metrics import metric
from search.records.fields import Integer, Measured, Whole


def images_text(images: int, prompts: int, kind: str = "images") -> str:
    """How many images there are, and of how many prompts where those are fewer."""
    few = f" of {prompts} prompt{'' if prompts == 1 else 's'}" if 0 < prompts < images else ""
    return f"{images} {kind}{few}"


@dataclass(frozen=True)
class Quality:
    """Image quality of one schedule on one set of prompts and noise.

    Args:
        fid_real: FID to real images; NaN without any.
        fid_reference: FID to the unpatched model's images of the same prompts and noise.
        distance: mean squared latent distance to the reference, relative to its variance.
        images: number of images behind both FIDs. FIDs of different counts are not comparable.
        metrics: whatever else was asked for, by its name in ``search.metrics``.
        prompts: number of different prompts behind the images; 0 in files of older versions.
    """

    fid_real: Measured
    fid_reference: Measured
    distance: Measured
    images: Integer
    metrics: Annotated[Mapping[str, float], Field(max_length=100)] = field(default_factory=dict)
    prompts: Whole = 0

    def images_text(self, kind: str = "images") -> str:
        """What its numbers are of, such as ``"64 images"``, or ``"64 images of 3 prompts"`` where
        prompts come more than once."""
        return images_text(self.images, self.prompts, kind)

    def value(self, name: str) -> float | None:
        """The metric ``name``; ``None`` where it was not measured."""
        fids = {"fid_real": self.fid_real, "fid_reference": self.fid_reference}
        value = {**self.metrics, **fids}.get(name, math.nan)
        return value if math.isfinite(value) else None

    def loss(self, name: str) -> float | None:
        """What is minimised for the metric ``name``; ``None`` where it was not measured."""
        value = self.value(name)
        return None if value is None else metric(name).loss(value)


def loss_of(quality: Quality | None, objective: str) -> float | None:
    """What is minimised, of images that may not have been judged."""
    return None if quality is None else quality.loss(objective)
