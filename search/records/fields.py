"""What files may hold of the values that records are made of.

Records are read by their types: pydantic checks these, and nothing else has to know them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, GetPydanticSchema
from pydantic_core import core_schema

from dato.preset.fields import MAX_SETTINGS, Setting, SettingName, Several


def read_from(file_type: Any, convert: Callable[[Any], object]) -> GetPydanticSchema:
    """A type is read as another one, and made of it by ``convert``."""
    return GetPydanticSchema(
        lambda _, handler: core_schema.no_info_after_validator_function(
            convert, handler.generate_schema(file_type)
        )
    )


Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Whole = Annotated[int, Field(ge=0, lt=2**63)]
Steps = Annotated[int, Field(ge=1, le=10_000)]

Measured = Annotated[
    float, read_from(float | None, lambda value: math.nan if value is None else value)
]
"""A number that may not have been measured: NaN in memory, ``null`` in a file."""

Settings = Annotated[
    tuple[tuple[str, Setting], ...],
    read_from(
        Annotated[dict[SettingName, Setting], Field(max_length=MAX_SETTINGS), Several],
        lambda settings: tuple(sorted(settings.items())),
    ),
]
"""Settings of a scheduler: pairs by name in memory, an object in a file."""
