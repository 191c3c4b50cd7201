"""A sampler file on ONNX Runtime: pocket's UNet exported, the run in NumPy, beside the engine.

    pip install onnx onnxscript onnxruntime
    python -m experiments.anywhere.onnx

writes ``results/onnx.json``: how far the latents are from the engine's. Neither package is a
dependency of the project.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import dato
from dato import Kind, PortableSampler, Preset, Schedule, TunedSampler
from dato.pocket import load_pipeline

PROMPT = "a red circle left of a blue square on a white background"
SCALE = 2.0
SEED = 5
RESULT = Path(__file__).parent / "results" / "onnx.json"
TUNED = TunedSampler((999.0, 780.25, 520.5, 190.75), ((1.0,), (1.4, -0.4), (1.6, -0.8, 0.2), (1,)))
"""Made up: what is compared is the arithmetic, and not the image."""


class Plain(nn.Module):
    """A UNet that takes and returns tensors only."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, timesteps: Tensor, text: Tensor) -> Tensor:
        output: Tensor = self.unet(latents, timesteps, text, return_dict=False)[0]
        return output


def presets() -> dict[str, Preset]:
    """A fused one and a tuned one, for the embedded model's own sampler."""
    lines = Schedule.uniform(calls=50, interval=10, depth=0, forecast="linear")
    tuned = Schedule({"full": Kind()}, ("full",) * TUNED.calls, tuned=TUNED)
    return {"fused": _preset(lines), "tuned": _preset(tuned)}


def _preset(schedule: Schedule) -> Preset:
    """A schedule as a preset of as many steps as calls."""
    preset = dato.load_preset("pocket/fast")
    calls = schedule.calls
    sampler = dataclasses.replace(preset.sampler, num_inference_steps=calls, calls=calls)
    return dataclasses.replace(preset, schedule=schedule, sampler=sampler)


def exported(pipe: Any, text: Tensor, folder: Path) -> Any:
    """A session of ONNX Runtime with the pipeline's UNet."""
    import onnxruntime

    example = (torch.zeros(2, 6, 32, 32), torch.full((2,), 500.0), text)
    path = folder / "unet.onnx"
    names = ["latents", "timesteps", "text"]
    torch.onnx.export(Plain(pipe.unet), example, path, input_names=names, dynamo=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def sampled(session: Any, sampler: PortableSampler, noise: Any, text: Any) -> Any:
    """Latents of a run: NumPy and ONNX Runtime, and nothing else."""
    latents: list[Any] = [noise * sampler.initial_noise_scale]
    outputs: list[Any] = []
    for call in sampler.calls:
        both = np.concatenate([latents[0] * call.input_scale] * 2).astype(np.float32)
        timesteps = np.full(2, call.timestep, np.float32)
        inputs = {"latents": both, "timesteps": timesteps, "text": text}
        without, given = np.split(session.run(None, inputs)[0], 2)
        outputs.insert(0, without + SCALE * (given - without))
        known = (*latents[: len(call.latents)], *outputs[: len(call.outputs)])
        terms = zip(call.latents + call.outputs, known, strict=True)
        latents.insert(0, sum(weight * value for weight, value in terms))
    return latents[0]


def main() -> None:
    """Compare, print and record."""
    pipe = load_pipeline()
    given, nothing = pipe.encode_prompt(PROMPT, torch.device("cpu"), 1, True)
    text = torch.cat([nothing, given]).detach()
    noise = torch.randn(1, 6, 32, 32, generator=torch.Generator().manual_seed(SEED))
    differences = {}
    with tempfile.TemporaryDirectory() as folder:
        session = exported(pipe, text, Path(folder))
        for name, preset in presets().items():
            steps = preset.sampler.num_inference_steps
            with dato.applied(pipe, preset):
                expected = pipe(
                    PROMPT,
                    latents=noise,
                    num_inference_steps=steps,
                    guidance_scale=SCALE,
                    output_type="latent",
                ).images.numpy()
            sampler = dato.export_sampler(preset, pipe.scheduler)
            latents = sampled(session, sampler, noise.numpy(), text.numpy())
            differences[name] = float(abs(latents - expected).max() / abs(expected).max())
    packages = ("torch", "diffusers", "onnx", "onnxruntime", "numpy")
    result = {
        "largest difference over largest latent": differences,
        "seed": SEED,
        "machine": platform.platform(),
        "versions": {name: version(name) for name in packages},
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
