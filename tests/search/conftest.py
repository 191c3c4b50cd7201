"""Fixtures that the tests of several rooms share: a tiny pipeline and a recorded study."""

from __future__ import annotations

from tests.search.recorded_study import folder as folder
from tests.search.recorded_study import result as result
from tests.search.recorded_study import with_samples as with_samples
from tests.search.tiny_generator import generator as generator
from tests.search.tiny_generator import tiny_folder as tiny_folder
