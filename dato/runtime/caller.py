"""Which pipeline makes a call, and what its loop says about the run and the batch.

Neither is an argument of a denoiser, and two runs may share a scheduler, so both are read from the
pipeline's methods that are running: ``self``, ``latents``, ``timesteps`` and the current ``t``, and
``do_classifier_free_guidance``, which is an attribute of most pipelines and a variable of the
others (PixArt's).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Self

from diffusers import DiffusionPipeline
from torch import Tensor

from dato.errors import MismatchError, UnsupportedError
from dato.runtime.call_setting import CallSetting

_FLAG = "do_classifier_free_guidance"


@dataclass(frozen=True)
class Caller:
    """The innermost pipeline that is running.

    Args:
        name: of its class; empty where no pipeline runs, in a loop written by hand.
        guided: whether it puts an unconditional and a conditional half into one batch; None where
            nothing says so.
        latents: that it denoises; None where nothing says so.
        timesteps: (calls,), what its loop goes over; None where nothing says so.
        timestep: of them, the current one; None where nothing says so.
        setting: what else its call says; None where no pipeline runs.
        mixed: whether a batch alternates between the halves, as that of a panorama's views does.
    """

    name: str = ""
    guided: bool | None = None
    latents: Tensor | None = None
    timesteps: Tensor | None = None
    timestep: Tensor | None = None
    setting: CallSetting | None = None
    mixed: bool = False

    @classmethod
    def of(cls, pipe: Any) -> Self:
        """Who makes the call that is going on, of a schedule that is applied to ``pipe``.

        Raises:
            MismatchError: another pipeline, which ``pipe`` has not called itself.
        """
        running = list(_running(pipe))
        if not running:
            return cls()
        caller = running[0][0]
        name = type(caller).__name__
        if all(each is not pipe for each, _ in running):
            raise MismatchError(
                f"Another {name} calls a denoiser that runs the schedule of a "
                f"{type(pipe).__name__}.",
                remedy="Call dato.remove on that one, and dato.apply on the pipeline that you run.",
            )
        variables = _variables_of_run(running)
        guided = variables.get(_FLAG, getattr(caller, _FLAG, None))
        latents, timesteps, timestep = (
            value if isinstance(value := variables.get(variable), Tensor) else None
            for variable in ("latents", "timesteps", "t")
        )
        return cls(
            name,
            None if guided is None else bool(guided),
            latents if latents is not None and latents.ndim else None,
            timesteps if timesteps is not None and timesteps.ndim == 1 else None,
            timestep,
            CallSetting.of(variables),
            "view_batch_size" in variables,
        )

    @property
    def images(self) -> int | None:
        """How many it denoises; None where nothing says so."""
        return None if self.latents is None else len(self.latents)

    def groups(self, rows: int) -> int:
        """How many rows of a batch belong to an image: two under classifier-free guidance.

        Raises:
            UnsupportedError: nothing says so, or another guidance has more of them.
        """
        if rows == 1:
            return 1
        if self.guided is None:
            raise UnsupportedError(
                f"Nothing says whether {rows} rows from "
                f"{self.name or 'a call that no pipeline makes'} are guided, as pruning needs to "
                "know.",
                remedy="Call the pipeline that the schedule is applied to, pass one row, or use a "
                "schedule that does not prune.",
            )
        groups = 2 if self.guided else 1
        images = rows // groups if self.images is None else self.images
        if rows != groups * images or (self.mixed and images > 1):
            raise UnsupportedError(
                f"The call of {self.name} has {rows} rows for {images} images, but pruning follows "
                "classifier-free guidance alone, one half after the other, not "
                "perturbed-attention, picture or other guidance, nor a panorama's views.",
                remedy="Use a schedule that does not prune.",
            )
        return groups


def call_of(pipe: Any) -> Mapping[str, Any] | None:
    """The variables of a pipeline's methods that are running, if it is the innermost pipeline.

    An empty mapping where another pipeline runs inside; None where no pipeline runs at all.
    """
    running = list(_running(pipe))
    if not running:
        return None
    if running[0][0] is not pipe:
        return {}
    named: dict[str, Any] = {}
    for caller, frame in reversed(running):
        if caller is pipe:
            named.update(frame.f_locals)
    return named


def _variables_of_run(running: Sequence[tuple[Any, FrameType]]) -> Mapping[str, Any]:
    """Those of the innermost pipeline's ``__call__`` and of the methods that it is in."""
    caller = running[0][0]
    named: dict[str, Any] = {}
    for each, frame in running:
        if each is not caller:
            break
        named = {**frame.f_locals, **named}
        if frame.f_code.co_name == "__call__":
            break  # beyond it is another run of the same pipeline, which calls this one
    return named


def _running(pipe: Any) -> Iterator[tuple[Any, FrameType]]:
    """Every pipeline whose method is running, with its frame, the innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_argcount and code.co_varnames[0] == "self":
            caller = frame.f_locals.get("self")
            if caller is pipe or isinstance(caller, DiffusionPipeline):
                yield caller, frame
        if frame.f_back is None:
            return
        frame = frame.f_back
