"""The recorded tables are what their records say."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from experiments.scaling import drivers, scaling
from experiments.scaling.markdown import table


@pytest.mark.parametrize(
    ("name", "columns"), [("results", scaling.COLUMNS), ("drivers", drivers.COLUMNS)]
)
def test_a_table_is_its_record(name: str, columns: Mapping[str, str]) -> None:
    document = json.loads((scaling.HERE / f"{name}.json").read_text(encoding="utf-8"))
    recorded = (scaling.HERE / f"{name}.md").read_text(encoding="utf-8")
    assert table(document["runs"], columns) == recorded
