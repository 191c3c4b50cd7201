"""The tiny pipeline of the evaluation's tests."""

from __future__ import annotations

from tests.search.evaluate.conftest import generator as generator
from tests.search.evaluate.conftest import tiny_folder as tiny_folder
