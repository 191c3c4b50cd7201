"""What a study can name of a denoiser's inside."""

from __future__ import annotations

from typing import Any

import dato
from dato import Topology
from dato.errors import UnsupportedError

UNKNOWN = Topology(0, ())
"""Of a denoiser that the engine has no adapter for: it runs full and skipped calls only."""


def topology_of(pipe_or_denoiser: Any) -> Topology:
    """Branches and layers of a pipeline's denoiser; none where the engine has no adapter."""
    try:
        return dato.topology(pipe_or_denoiser)
    except UnsupportedError:
        return UNKNOWN
