"""Settings of how images are judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from search.settings.base import Settings


class QualitySettings(Settings):
    """How images are judged.

    Args:
        objective: which FID is minimised.
        features: the feature network behind every FID: ``"pocket"`` (embedded), ``"inception"``
            (of published FIDs; extra ``fid``), ``"inception_released"`` (as the paper's released
            code has it), or an installed package's (``search.evaluate.features``).
        features_path: file of an Inception's weights; null lets its package download them.
        real: ``"pocket"`` renders, a folder of images, an ``.npz`` file of statistics, or
            ``"none"``.
        images: images of a complete trial.
        rung_images: images of the first, cheap rung.
        rung_margin: a trial is pruned when a complete trial of no more latency has an FID on the
            first rung's images smaller than its own by more than this factor; once a dozen trials
            are complete, by a factor learnt from how well that FID foretold the final one.
        real_images: real images behind ``fid_real``; a file of statistics ignores it.
        heldout_images: images of the audit that ends a sweep, on prompts the search never saw.
        heldout_members: how many front members that audit takes, spread over latency.
    """

    objective: Literal["fid_reference", "fid_real"]
    features: str
    features_path: str | None = None
    real: str
    images: int = Field(ge=2)
    rung_images: int = Field(ge=2)
    rung_margin: float = Field(ge=1)
    real_images: int = Field(ge=2)
    heldout_images: int = Field(ge=2)
    heldout_members: int = Field(ge=1)

    @model_validator(mode="after")
    def _rung_is_smaller(self) -> QualitySettings:
        if self.rung_images >= self.images:
            raise ValueError("rung_images must be smaller than images")
        return self

    @model_validator(mode="after")
    def _objective_is_measured(self) -> QualitySettings:
        if self.objective == "fid_real" and self.real == "none":
            raise ValueError(
                "objective=fid_real needs real images: set real, or minimise fid_reference"
            )
        return self
