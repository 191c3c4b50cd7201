"""The reference run's drift, against the definition written out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from search.model.drift import image_drift, mean_drift
from search.model.generator import Generator
from tests.search.model.tiny import SEARCH, STEPS, save_tiny, tiny_config


def test_shape_and_repeatability(generator: Generator) -> None:
    drift = image_drift(generator, 2)
    assert len(drift) == STEPS
    assert drift[0] == 0
    assert all(value > 0 for value in drift[1:])
    assert drift == image_drift(generator, 2) != image_drift(generator, 1)
    assert not generator.pipe.unet._forward_hooks


def test_matches_the_definition(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "eps", prediction_type="epsilon")
    generator = Generator(tiny_config(folder), SEARCH)
    seen: list[Tensor] = []
    inner = generator.pipe.unet.forward

    def forward(*inputs: Any, **keywords: Any) -> Any:
        output = inner(*inputs, **keywords)
        seen.append(output[0])
        return output

    generator.pipe.unet.forward = forward
    generator.loop(0)
    del generator.pipe.unet.forward
    expected = [0.0] + [float((b - a).abs().mean()) for a, b in pairwise(seen)]
    images = [image_drift(generator, image) for image in range(len(seen[0]) // 2)]
    assert mean_drift(images) == pytest.approx(expected, rel=1e-4)
