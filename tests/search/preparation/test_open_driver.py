"""Which drivers may share a study."""

from __future__ import annotations

import pytest

from search.errors import UserError
from search.preparation.open_driver import require_same_place
from tests.search.runs.sample_tables import made_up_table


def test_a_driver_on_another_device_is_refused() -> None:
    here, study = made_up_table("NVIDIA T4").place, made_up_table("NVIDIA H200").place
    require_same_place(here, here)
    with pytest.raises(UserError, match=r"runs on NVIDIA T4.*NVIDIA H200.*launcher\.job\.constr"):
        require_same_place(here, study)
