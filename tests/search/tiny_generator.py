"""One tiny pipeline folder and one generator on it, for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.model.generator import Generator
from tests.search.model.tiny import SEARCH, save_tiny, tiny_config


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "pipeline")


@pytest.fixture(scope="session")
def generator(tiny_folder: Path) -> Generator:
    return Generator(tiny_config(tiny_folder), SEARCH)
