"""Which pipeline makes a call, and what its loop says about the batch.

Neither is an argument of a denoiser, and two pipelines may share a scheduler, so both are read from
the pipeline's method that is running: ``self``, ``latents``, and ``do_classifier_free_guidance``,
which is an attribute of most pipelines and a variable of the others (PixArt's).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
        images: how many it denoises; None where nothing says so.
        setting: what else its call says; None where no pipeline runs.
    """

    name: str = ""
    guided: bool | None = None
    images: int | None = None
    setting: CallSetting | None = None

    @classmethod
    def of(cls, pipe: Any) -> Self:
        """Who makes the call that is going on, of a schedule that is applied to ``pipe``.

        Raises:
            MismatchError: another pipeline, which ``pipe`` has not called itself.
        """
        running = _running(pipe)
        caller, variables = next(running, (None, {}))
        if caller is None:
            return cls()
        name = type(caller).__name__
        if caller is not pipe and all(outer is not pipe for outer, _ in running):
            raise MismatchError(
                f"Another {name} calls a denoiser that runs the schedule of a "
                f"{type(pipe).__name__}.",
                remedy="Call dato.remove on that one, and dato.apply on the pipeline that you run.",
            )
        guided = variables.get(_FLAG, getattr(caller, _FLAG, None))
        latents = variables.get("latents")
        images = len(latents) if isinstance(latents, Tensor) and latents.ndim else None
        halves = None if guided is None else bool(guided)
        return cls(name, halves, images, CallSetting.of(variables))

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
        if rows != groups * images:
            raise UnsupportedError(
                f"The call of {self.name} has {rows} rows for {images} images, but pruning follows "
                "classifier-free guidance alone, not perturbed-attention, picture or other "
                "guidance.",
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
    for caller, variables in reversed(running):
        if caller is pipe:
            named.update(variables)
    return named


def _running(pipe: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Every pipeline whose method is running, with its variables, the innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_argcount and code.co_varnames[0] == "self":
            variables = frame.f_locals
            caller = variables.get("self")
            if caller is pipe or isinstance(caller, DiffusionPipeline):
                yield caller, variables
        if frame.f_back is None:
            return
        frame = frame.f_back
