"""A sampler as a file for any runtime: per computed call a timestep and two short sums.

Whoever can compute the model's output runs it with a few lines in any language; the page "Run it
elsewhere" has them in NumPy. Imports no torch.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from dato.errors import PresetError, PresetFileError, SamplerFileError
from dato.files import replace_text
from dato.preset.fields import MAX_STEPS, ModelId, Name, NotNegative, Positive, Size, StrictModel
from dato.preset.parse import parse, to_bytes
from dato.preset.read import read_text
from dato.preset.write import render

VERSION = 1
AGAIN = "Write it again: dato-search export-sampler PRESET --out FILE."

Prediction = Literal["epsilon", "v_prediction", "sample", "flow_prediction"]
Weights = Annotated[tuple[float, ...], Field(min_length=1, max_length=MAX_STEPS)]


class PortableCall(StrictModel):
    """One computed call and the update after it.

    Args:
        timestep: what the denoiser is asked at, in its units; may lie between trained ones.
        sigma: the noise level that the model knows the timestep by, as k-diffusion counts it: noise
            over clean sample; under flow matching the share of the noise.
        input_scale: what the latents are multiplied by to become the denoiser's input.
        latents: weights of the latents at this call and at those before it, the newest first.
        outputs: the same of the outputs. Both sums together are the next latents.
    """

    timestep: NotNegative
    sigma: Positive
    input_scale: Positive
    latents: Weights
    outputs: Weights

    @property
    def norm(self) -> float:
        """1 / alpha, where alpha is the share of the clean sample and alpha² + noise² = 1."""
        return math.hypot(1.0, self.sigma)


class PortableSampler(StrictModel):
    """All that a run needs beside the model, and what it was made for.

    Args:
        name: of the preset.
        model: that the preset was searched on; ``latent_size`` is its height and width.
        guidance_scale: that it was searched at. An output is what guidance makes.
        speedup: measured over the unpatched model; None where nobody measured it.
        prediction: what the model predicts.
        initial_noise_scale: standard deviation of the first latents.
    """

    format: Literal["dato-sampler"] = "dato-sampler"
    version: Literal[1] = 1
    name: Name
    model: ModelId
    latent_size: tuple[Size, Size]
    guidance_scale: NotNegative
    speedup: Positive | None
    prediction: Prediction
    initial_noise_scale: Positive
    calls: Annotated[tuple[PortableCall, ...], Field(min_length=1, max_length=MAX_STEPS)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for number, call in enumerate(self.calls):
            for name, weights in (("latents", call.latents), ("outputs", call.outputs)):
                if len(weights) > number + 1:
                    raise ValueError(
                        f"call {number} has {len(weights)} weights of {name}, but "
                        f"{number + 1} of them are known by then"
                    )
        return self

    @property
    def flow(self) -> bool:
        """Whether the model was trained by flow matching."""
        return self.prediction == "flow_prediction"

    @property
    def start(self) -> float:
        """Standard deviation of k-diffusion's first ``x`` where diffusers' pipeline begins: near
        the first sigma, and with some schedulers a little above."""
        return self.initial_noise_scale * self.scale(0)

    def scale(self, number: int) -> float:
        """What the latents at a call are multiplied by to be k-diffusion's."""
        call = self.calls[number]
        return call.input_scale if self.flow else call.input_scale * call.norm

    @classmethod
    def from_json(cls, text: str) -> PortableSampler:
        """Parse the text of a sampler file.

        Raises:
            SamplerFileError: naming the first thing that is wrong.
        """
        try:
            data = parse(text)
            _check_version(data)
            return cls.model_validate_json(to_bytes(data))
        except PresetError as error:
            raise SamplerFileError(error.fault, remedy=AGAIN) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "The file"
            raise SamplerFileError(f"{place} is wrong: {first['msg']}.", remedy=AGAIN) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PortableSampler:
        """Read a sampler file; raises as :meth:`from_json` does."""
        try:
            text = read_text(Path(path), "sampler file")
        except PresetError as error:
            remedy = "Check the path." if isinstance(error, PresetFileError) else AGAIN
            raise SamplerFileError(error.fault, remedy=remedy) from error
        return cls.from_json(text)

    def to_json(self) -> str:
        """Text of the file; equal samplers give equal texts."""
        return render(self.model_dump(mode="json")) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file; a failure leaves an older one as it was."""
        replace_text(Path(path), self.to_json())


def _check_version(data: object) -> None:
    if not isinstance(data, dict) or data.get("format") != "dato-sampler":
        raise SamplerFileError(
            'The file is no sampler file: its "format" is not "dato-sampler".',
            remedy="A preset becomes one with dato-search export-sampler PRESET --out FILE.",
        )
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        raise SamplerFileError(
            f"The sampler file has version {version}, but this dato reads version {VERSION}.",
            remedy="Install a newer dato, or write the file with this one.",
        )
