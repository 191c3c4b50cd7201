"""Refuses latents and decoded images that hold NaN or infinity. As pixels they would be black or
white."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from search.errors import TrialError, UserError


def require_finite(images: Tensor) -> None:
    """Raise :class:`TrialError` unless every value is a number.

    Args:
        images: as the autoencoder decodes them, (images, 3, height, width).
    """
    bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
    if bad:
        raise TrialError(f"{bad} of {len(images)} decoded images hold NaN or infinity.")


def require_finite_latents(latents: Tensor) -> None:
    """Raise :class:`TrialError` unless every value is a number."""
    if not torch.isfinite(latents).all():
        raise TrialError("The latents hold NaN or infinity.")


@contextmanager
def only_finite(pipe: Any) -> Iterator[None]:
    """A pipeline that is called inside the block hands out no image that is not finite.

    Raises:
        UserError: it would have.
    """
    processor = pipe.image_processor
    postprocess = processor.postprocess

    def checked(image: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(image, Tensor):
            require_finite(image)
        return postprocess(image, *arguments, **options)

    processor.postprocess = checked
    try:
        yield
    except TrialError as error:
        raise UserError(
            f"{error} Take model.dtype=float32, because many autoencoders overflow in float16, or "
            "look at the model's weights."
        ) from error
    finally:
        del processor.postprocess
