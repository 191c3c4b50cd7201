"""From a YAML document to a space."""

from __future__ import annotations

from collections.abc import Mapping

from search.space.based_space import BasedSpace
from search.space.language import parse_space
from search.space.space import Space


def load_space(config: Mapping[str, object]) -> Space:
    """The space that a YAML document declares (see :mod:`search.space.language`).

    Raises:
        ConfigError: with every mistake found, each with its path and remedy.
    """
    spec = parse_space(config)
    return BasedSpace(spec) if spec.bases else Space(spec)
