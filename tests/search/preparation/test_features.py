"""A study keeps to the feature network that it began with."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from search.errors import UserError
from search.preparation.features import require_same_features
from search.quality.features import FeatureNetwork
from search.records.folder import StudyFolder


def network(name: str, weight: float) -> FeatureNetwork:
    module = nn.Linear(1, 1)
    nn.init.constant_(module.weight, weight)
    nn.init.zeros_(module.bias)
    return FeatureNetwork(name, module)


def test_the_network_of_a_new_study_is_kept(tmp_path: Path) -> None:
    for _ in range(2):
        require_same_features(StudyFolder(tmp_path), network("pocket", 1.0))
    with pytest.raises(UserError, match=r"other weights of quality\.features=pocket"):
        require_same_features(StudyFolder(tmp_path), network("pocket", 2.0))


def test_a_pocket_study_from_before_the_digest_was_kept_has_another_unit(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.reference_images.touch()
    with pytest.raises(UserError, match="Start a new study"):
        require_same_features(folder, network("pocket", 1.0))
    assert not folder.features.exists()


def test_an_older_study_of_other_features_goes_on(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.reference_images.touch()
    require_same_features(folder, network("inception", 1.0))
    assert folder.features.is_file()


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    for text in ("[", '{"name": 1, "digest": "00"}', "[" * 100_000):
        folder.features.write_text(text)
        with pytest.raises(UserError, match=r"features.json': it is damaged. Put a copy"):
            require_same_features(folder, network("inception", 1.0))
