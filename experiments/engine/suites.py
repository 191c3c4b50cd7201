"""What is measured on which device, the most important first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One table of denoising loops.

    Args:
        architecture: see ``experiments.engine.architectures``.
        latent: height and width of the latents, in an eighth of a pixel.
        batch: images of a run.
        contenders: keys of ``experiments.engine.contenders``.
        share: of the suite's time; what is left over goes to the next cells.
        calls: denoiser calls of a run.
    """

    architecture: str
    latent: int
    batch: int
    contenders: tuple[str, ...]
    share: float
    calls: int = 50


@dataclass(frozen=True)
class Single:
    """Measurements of single calls.

    Args:
        rounds: timed calls of each kind.
        depths: whether cached calls and memory are measured at every depth.
        pruning: whether pruning is measured at every ratio.
    """

    architecture: str
    latent: int
    batch: int
    rounds: int
    depths: bool = True
    pruning: bool = True


@dataclass(frozen=True)
class Suite:
    """Single calls, then loops, in this order."""

    singles: tuple[Single, ...]
    cells: tuple[Cell, ...]


_EAGER = ("eager", "null", "deepcache", "interval", "tomesd", "half", "published", "nine")
_GPU = (*_EAGER[:6], "half-torch", *_EAGER[6:])
_SHORT = ("eager", "deepcache", "interval", "tomesd", "half", "published", "nine")
_COMPILED = ("eager", "compile", "interval", "interval-compiled")

SUITES = {
    "cpu": Suite(
        (
            Single("pocket", 32, 1, rounds=40),
            Single("sd15-narrow", 32, 1, rounds=12, depths=False),
        ),
        (
            Cell("pocket", 32, 1, _EAGER, share=0.55),
            Cell("sd15-narrow", 64, 1, ("eager", *_EAGER[2:6]), share=0.45, calls=5),
        ),
    ),
    "cpu-compiled": Suite((), (Cell("pocket", 32, 1, _COMPILED, share=1.0),)),
    "cuda": Suite(
        (
            Single("sd15", 64, 1, rounds=20),
            Single("sdxl", 128, 1, rounds=8, pruning=False),
        ),
        (
            Cell("sd15", 64, 8, (*_GPU, "nine-compiled"), share=0.3),
            Cell("sd15", 64, 1, (*_GPU, "nine-graphs", "compile"), share=0.3),
            Cell("sdxl", 128, 1, _SHORT, share=0.12),
            Cell("sd15", 128, 1, _SHORT, share=0.06),
            Cell("sdxl", 64, 1, _SHORT, share=0.05),
            Cell("sd15", 128, 8, _SHORT, share=0.07),
            Cell("sdxl", 64, 8, _SHORT, share=0.05),
            Cell("sdxl", 128, 8, _SHORT, share=0.05),
        ),
    ),
    "smoke": Suite(
        (Single("tiny", 16, 1, rounds=4),),
        (Cell("tiny", 16, 2, _EAGER, share=1.0, calls=7),),
    ),
}
