"""Whether a module runs diffusers' own code, or another tool's."""

from __future__ import annotations

from typing import Any

from torch import nn


def own_forward(module: nn.Module) -> Any:
    """A module's forward, under the hooks with which accelerate and diffusers move its weights."""
    hooks = getattr(vars(module).get("_diffusers_hook"), "_fn_refs", ())
    forward = hooks[0].original_forward or hooks[0].forward if hooks else module.forward
    return vars(module).get("_old_forward", forward)


def foreign_forward(module: nn.Module) -> str | None:
    """The name of a forward that is not diffusers'; None where it is.

    Other tools replace the forward of one module, of its whole class, or the class itself.
    """
    forward = own_forward(module)
    function = getattr(forward, "__func__", None)
    if function is not None and str(function.__module__).partition(".")[0] == "diffusers":
        return None
    named = forward if function is None else function
    return f"{named.__module__}.{getattr(named, '__qualname__', type(named).__name__)}"
