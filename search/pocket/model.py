"""Loads the shipped feature network."""

from __future__ import annotations

from pathlib import Path

from search.pocket.features import FeatureNetwork


def load_features() -> FeatureNetwork:
    """Load the shipped feature network, in evaluation mode."""
    return FeatureNetwork.load(Path(__file__).parent / "weights" / "features.safetensors")
