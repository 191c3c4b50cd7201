"""Search spaces: a small YAML language whose parameters decode to schedules (see language.py)."""

from search.space.context import SpaceContext
from search.space.load import load_space
from search.space.parameters import Parameter
from search.space.space import Space

__all__ = ["Parameter", "Space", "SpaceContext", "load_space"]
