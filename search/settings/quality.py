"""Settings that say how images are judged."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from search.metrics import FID_REAL_BOUND, metric
from search.settings.base import Location, Settings


class QualitySettings(Settings):
    """How images are judged.

    Args:
        objective: the metric that is optimised beside latency, by its name in ``search.metrics``:
            an FID, KID, CLIP score, PSNR, SSIM, LPIPS, feature distance or an installed scorer's.
        record: further metrics that are measured for every complete trial.
        features: the feature network behind every FID: ``"pocket"`` (embedded), ``"inception"``
            (the network of published FIDs; extra ``fid``), ``"inception_released"`` (the same as
            the paper's released code uses it), or one of an installed package
            (``search.quality.features``). ``"model"`` is ``"pocket"`` for the embedded models and
            ``"inception"`` for all others.
        features_path: file of Inception weights; null lets torch-fidelity download them.
        clip_path: folder or hub id of the CLIP model behind ``clip_score``.
        lpips_path: file of torchvision's AlexNet weights, behind ``lpips``; null lets its package
            download them.
        real: ``"pocket"`` renders, a folder of images, an ``.npz`` file of statistics, or
            ``"none"``. ``"model"`` is ``"pocket"`` for the embedded models and ``"none"`` for all
            others.
        images: images of a complete trial.
        rung_images: images of the first, cheap rung.
        rung_margin: a trial is pruned when a complete trial of no more latency has a first-rung
            FID that is smaller than its own by more than this factor. Once a dozen trials are
            complete, the factor is learnt from how well that FID foretold the final one.
        real_images: real images behind ``fid_real``; ignored for a file of statistics.
        heldout_images: images of the audit that ends a sweep, on prompts the search never saw.
        heldout_members: how many front members that audit takes: it bisects the front for the
            fastest at no worse FID to real images, and spreads the others over latency.
    """

    objective: str
    record: tuple[str, ...] = ()
    features: str
    features_path: Location | None = None
    clip_path: Location = "openai/clip-vit-large-patch14"
    lpips_path: Location | None = None
    real: Location
    images: int = Field(ge=2)
    rung_images: int = Field(ge=2)
    rung_margin: float = Field(ge=1)
    real_images: int = Field(ge=2)
    heldout_images: int = Field(ge=2)
    heldout_members: int = Field(ge=1)

    @model_validator(mode="after")
    def _rung_is_smaller(self) -> QualitySettings:
        if self.rung_images >= self.images:
            raise ValueError(
                f"quality.rung_images={self.rung_images} is not smaller than "
                f"quality.images={self.images}. Lower quality.rung_images, or raise quality.images."
            )
        return self

    @field_validator("record", "objective")
    @classmethod
    def _metrics_exist(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for name in (value,) if isinstance(value, str) else value:
            metric(name)
        return value

    @model_validator(mode="after")
    def _objective_is_measured(self) -> QualitySettings:
        if self.objective == FID_REAL_BOUND:
            raise ValueError(
                f"quality.objective={FID_REAL_BOUND} is a bound and not a measurement. Set "
                "quality.objective=fid_real, and bound it by constraints.fid_real='<=baseline'."
            )
        for name in (self.objective, *self.record):
            if metric(name).real and self.real == "none":
                raise ValueError(
                    f"quality.objective={name} needs real images, and quality.real is none. Set "
                    "quality.real to a folder of images, or quality.objective=fid_reference."
                    if name == self.objective
                    else f"quality.record={name} needs real images, and quality.real is none. Set "
                    "quality.real to a folder of images, or leave the metric out."
                )
        return self
