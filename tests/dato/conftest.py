"""Fixtures of the engine's tests: one thread, a tiny pipeline, and a global generator to guard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def pipe() -> Any:
    """A tiny pipeline with nothing applied."""
    from tests.dato.tiny import tiny_pipe

    return tiny_pipe()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """More threads than cores make tiny tensors ten times slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
