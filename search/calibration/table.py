"""What one calibration found, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from dato.files import replace_bytes
from dato.preset.fields import StrictModel
from search.calibration.products import Gram
from search.calibration.sampler_path import SamplerPath
from search.errors import UserError
from search.records.reading import LARGE, check_file

REMEDY = "Delete it, so that it is measured again."
_OUTPUT, _CUT, _RESPONSE, _KEY = "output", "cut.", "response.", "key"

Vector = NDArray[np.float64]
"""(calls,)"""


class Key(StrictModel):
    """What a calibration was measured under.

    Args:
        prompts: digest of the prompts and the seed of their noise.
        images: how many runs.
        versions: of the packages that computed, by name.
    """

    format: Literal["dato-calibration"] = "dato-calibration"
    version: Literal[1] = 1
    fingerprint: str = Field(max_length=200)
    scheduler: str = Field(max_length=200)
    calls: int = Field(ge=1)
    guidance_scale: float
    prompts: str = Field(max_length=200)
    images: int = Field(ge=1)
    versions: dict[str, str]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Inner products of the values of every two calls of unpatched runs.

    Args:
        key: what they belong to.
        timesteps: (calls,), what straight lines are drawn over; zeros where none are (LCM).
        alphas: (calls,), the cumulative product of alphas at each call; None where the sampler
            has none or adds noise, so that its path is another.
        output: of what outputs are held as (see :mod:`dato.sampler.held_output`), guided.
        cuts: of both halves' features at each cut, by depth.
        response: (calls,) by depth, how much the held output of a call changes for a unit by
            which its cut is missed.
        sigmas: (calls,), the share of noise at each call under flow matching, else None.
    """

    key: Key
    timesteps: Vector
    alphas: Vector | None
    output: Gram
    cuts: Mapping[int, Gram]
    response: Mapping[int, Vector]
    sigmas: Vector | None = None

    def __post_init__(self) -> None:
        for name in ("cuts", "response"):
            # Not a read-only view: those cannot be sent back from a worker's process.
            object.__setattr__(self, name, dict(sorted(getattr(self, name).items())))

    @property
    def calls(self) -> int:
        """Calls of the run."""
        return self.key.calls

    @cached_property
    def path(self) -> SamplerPath | None:
        """How the sampler moves; None where that is not known."""
        if self.sigmas is not None:
            return SamplerPath.of_flow(self.timesteps, self.sigmas)
        if self.alphas is None:
            return None
        return SamplerPath.of(self.timesteps, self.alphas)

    def save(self, path: Path) -> None:
        """Write as safetensors, whole or not at all."""
        tensors = {"timesteps": self.timesteps, _OUTPUT: self.output}
        if self.alphas is not None:
            tensors["alphas"] = self.alphas
        if self.sigmas is not None:
            tensors["sigmas"] = self.sigmas
        tensors |= {f"{_CUT}{depth}": values for depth, values in self.cuts.items()}
        tensors |= {f"{_RESPONSE}{depth}": values for depth, values in self.response.items()}
        whole = {name: np.ascontiguousarray(values, np.float64) for name, values in tensors.items()}
        replace_bytes(path, save(whole, {_KEY: self.key.model_dump_json()}))

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the file is missing, broken or of another format.
        """
        check_file(path, REMEDY, LARGE)
        try:
            with safe_open(path, framework="numpy") as file:
                key = Key.model_validate_json((file.metadata() or {}).get(_KEY, ""))
                return _parsed(key, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        except (SafetensorError, OSError, ValueError) as error:
            first = (
                error.errors(include_url=False)[0]["msg"]
                if isinstance(error, ValidationError)
                else str(error).splitlines()[0]
            )
            raise UserError(
                f"The calibration {str(path)!r} cannot be read ({first}). {REMEDY}"
            ) from error


def _parsed(key: Key, tensors: dict[str, NDArray[np.float64]]) -> Calibration:
    """The calibration of a file's tensors, each taken out by name; none may be left."""

    def take(name: str, axes: int) -> NDArray[np.float64]:
        shape = (key.calls,) * axes
        if name not in tensors:
            raise ValueError(f"it has no tensor {name}")
        tensor = tensors.pop(name)
        if tensor.dtype != np.float64 or tensor.shape != shape:
            raise ValueError(
                f"the tensor {name} is {tensor.dtype} of shape {tensor.shape}, not "
                f"float64 of {shape}"
            )
        if not np.isfinite(tensor).all():
            raise ValueError(f"the tensor {name} is not finite")
        return tensor

    timesteps, output = take("timesteps", 1), take(_OUTPUT, 2)
    alphas, sigmas = (take(name, 1) if name in tensors else None for name in ("alphas", "sigmas"))
    for name, shares in (("alphas", alphas), ("sigmas", sigmas)):
        if shares is not None and not ((shares >= 0) & (shares <= 1)).all():
            raise ValueError(f"the tensor {name} has values outside 0 to 1")
    names = [name.removeprefix(_CUT) for name in tensors if name.startswith(_CUT)]
    depths = [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 4]
    cuts = {depth: take(f"{_CUT}{depth}", 2) for depth in depths}
    response = {depth: take(f"{_RESPONSE}{depth}", 1) for depth in depths}
    if tensors:
        raise ValueError(f"a calibration has no tensor {min(tensors)[:40]!r}, which it holds")
    return Calibration(key, timesteps, alphas, output, cuts, response, sigmas)
