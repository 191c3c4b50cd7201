"""One compiled graph for each kind of a schedule."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from dato.denoisers.base import Adapter
from dato.errors import UnsupportedError
from dato.runtime.eager import Eager
from dato.runtime.run import Run
from dato.runtime.steps import Step

Mode = Literal["default", "cudagraphs"]
Graph = Callable[[dict[str, Any], Tensor | None], tuple[Tensor, dict[int, Tensor]]]

_INDUCTOR_MODES = {"default": None, "cudagraphs": "reduce-overhead"}


@dataclass
class Warmup:
    """What compiling has cost so far; fills up as kinds and shapes are first met.

    Args:
        seconds: of the first compiled call of each graph, by a readable name.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.seconds)} graphs, {sum(self.seconds.values()):.1f} s to compile"]
        return "\n  ".join(lines + [f"{name}: {each:.1f} s" for name, each in self.seconds.items()])


@dataclass(frozen=True)
class _Called:
    """What one call hands to its graph, for people under a name, and the cuts that it keeps."""

    name: str
    inputs: dict[str, Any]
    held: Tensor | None = None
    kept: frozenset[int] = frozenset()


class Compiled:
    """Looks the graph of a call up by its kind and shapes, and compiles it where there is none.

    The first call of a kind at a new shape runs eagerly: it draws the noise, which a graph could
    not. A schedule is static, so that all calls of a kind capture the same cuts.

    Args:
        eager: computes what is not compiled yet.
        adapter: the denoiser.
        mode: see :func:`dato.compile`.
        options: further arguments of ``torch.compile``.
    """

    def __init__(
        self, eager: Eager, adapter: Adapter, mode: Mode, options: Mapping[str, Any]
    ) -> None:
        if mode not in get_args(Mode):
            raise UnsupportedError(
                f'The mode {mode!r} is neither "default" nor "cudagraphs".', remedy='Use "default".'
            )
        self._eager = eager
        self._adapter = adapter
        self._mode = mode
        self._options = {"mode": _INDUCTOR_MODES[mode], "dynamic": False, **options}
        self._graphs: dict[object, Graph | None] = {}
        self.warmup = Warmup()

    def __call__(
        self, run: Run, step: Step, inputs: Mapping[str, Any], held: Tensor | None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """See :class:`dato.runtime.eager.Compute`."""
        tensors = {name: value for name, value in inputs.items() if name != "return_dict"}
        captures = run.captures(step)
        known = bool(step.ratios) and run.dynamics.known
        canvas = run.pruner.canvas
        key = (step.kind, captures, known, len(run.steps), canvas, _form(tensors))
        if key not in self._graphs:
            self._graphs[key] = None
            return self._eager(run, step, inputs, held)
        adapter, depth, wanted = self._adapter, step.inner, tuple(sorted(captures))

        def graph(inputs: dict[str, Any], cut: Tensor | None) -> tuple[Tensor, dict[int, Tensor]]:
            return adapter.partial(inputs, depth, cut, wanted)

        called = _Called(f"{step.name} at {run.shape}", tensors, held, step.captures)
        return self._run(key, graph, called)

    def whole(self, inputs: Mapping[str, Any]) -> Tensor:
        """See :class:`dato.runtime.eager.Compute`."""
        eager = self._eager
        tensors = {name: value for name, value in inputs.items() if name != "return_dict"}
        key = ("whole", _form(tensors))
        if key not in self._graphs:
            self._graphs[key] = None
            return eager.whole(inputs)

        def graph(inputs: dict[str, Any], _: Tensor | None) -> tuple[Tensor, dict[int, Tensor]]:
            return eager.whole(inputs), {}

        shape = tuple(inputs[self._adapter.inputs[0]].shape)
        return self._run(key, graph, _Called(f"full at {shape}", tensors))[0]

    def _run(self, key: object, graph: Graph, called: _Called) -> tuple[Tensor, dict[int, Tensor]]:
        """What a call gives by the graph of its key, which is compiled at the first."""
        known = self._graphs[key]
        if known is not None:
            return self._replayed(known, called)
        started = time.perf_counter()
        own = _own_code(graph, len(self._graphs))
        self._graphs[key] = compiled = torch.compile(own, **self._options)
        result = self._replayed(compiled, called)
        name = f"{len(self.warmup.seconds) + 1}. {called.name}"
        self.warmup.seconds[name] = time.perf_counter() - started
        return result

    def _replayed(self, graph: Graph, called: _Called) -> tuple[Tensor, dict[int, Tensor]]:
        if self._mode == "default":
            return graph(called.inputs, called.held)
        # A replay overwrites what the replay before it returned.
        torch.compiler.cudagraph_mark_step_begin()
        output, cuts = graph(called.inputs, called.held)
        return output.clone(), {cut: cuts[cut].clone() for cut in called.kept}


def _own_code(function: Any, number: int) -> Any:
    """A copy with a code object of its own.

    torch.compile keeps a few graphs for each code object and then gives up; closures of one
    function share theirs.
    """
    code = function.__code__.replace(co_name=f"kind_{number}")
    return FunctionType(
        code, function.__globals__, code.co_name, function.__defaults__, function.__closure__
    )


def _form(value: Any) -> object:
    """Shapes, types and devices of nested inputs; other values stand for themselves."""
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.dtype, value.device)
    if isinstance(value, Mapping):
        return tuple((name, _form(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_form, value))
    return value
