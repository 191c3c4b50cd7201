"""What stands in for a scheduler's methods while schedules are applied to pipelines that have it.

The scheduler itself stays: its class, its configuration, its tables. Four attributes of the
instance are added, and taken away again.
"""

from __future__ import annotations

import inspect
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self
from weakref import WeakSet

from torch import Tensor

from dato.errors import MismatchError, UnsupportedError
from dato.sampler.fused_run import FusedRun
from dato.sampler.timesteps import position

METHODS = ("set_timesteps", "step", "scale_model_input", "add_noise", "scale_noise")
ADDED = (*METHODS, "order")
"""Attributes that a stand-in gives a scheduler."""
_IGNORED = ("model_output", "timestep", "sample", "return_dict", "generator")
_MOST = 4
"""Unfinished runs that are remembered: those of a callback that runs its own pipeline, of threads,
and of runs that ended in an error."""

Ask = Callable[[Any, dict[str, Any]], dict[str, Any]]
"""What a scheduler is asked for instead of some arguments of its ``set_timesteps``."""

Open = Callable[[Any], FusedRun | None]
"""Opens the fused run of a scheduler whose timesteps have been set; None where it is not fused."""


class StandIn:
    """The methods that are in a scheduler's place.

    Args:
        scheduler: of a pipeline.
    """

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.asks: list[Ask] = []
        self.opens: list[Open] = []
        self._runs: deque[tuple[Tensor, FusedRun | None]] = deque(maxlen=_MOST)
        self._copies: WeakSet[StandIn] = WeakSet()
        self._guard = threading.Lock()
        self._real = {
            name: getattr(scheduler, name) for name in METHODS if hasattr(scheduler, name)
        }
        self._signature = inspect.signature(scheduler.step)
        self._setting = inspect.signature(scheduler.set_timesteps)

    @classmethod
    def on(cls, scheduler: Any) -> Self:
        """The stand-in of a scheduler; puts one there where there is none."""
        method = vars(scheduler).get("step")
        if isinstance(method, _Method) and isinstance(method.stand_in, cls):
            return method.stand_in
        stand_in = cls(scheduler)
        stand_in._install()
        return stand_in

    def add(self, opens: Open, asks: Ask | None = None) -> None:
        """Ask also this one whether a run is fused, and which timesteps it is given."""
        self.opens.append(opens)
        if asks is not None:
            self.asks.append(asks)

    def discard(self, opens: Open, asks: Ask | None = None) -> None:
        """Ask this one no longer; the last one gives the scheduler back."""
        for stand_in in (self, *self._copies):
            if opens in stand_in.opens:
                stand_in.opens.remove(opens)
            if asks in stand_in.asks:
                stand_in.asks.remove(asks)
            if not stand_in.opens:
                stand_in._uninstall()

    def run_of(self, timestep: Any) -> FusedRun | None:
        """The fused run that a timestep belongs to, None where its run is not fused; the newest
        where the timestep does not say."""
        for timesteps, run in tuple(self._runs):
            if position(timestep, timesteps) is not None:
                return run
        return self.newest

    @property
    def newest(self) -> FusedRun | None:
        """The run that was opened last; None where the last one was not fused."""
        return self._runs[-1][1] if self._runs else None

    def set_timesteps(self, *args: Any, **kwargs: Any) -> Any:
        """The scheduler's own, then the computed calls' timesteps where the run is fused."""
        with self._guard:  # several threads may run pipelines with this scheduler
            self._show_all()
            if self.asks:
                args, kwargs = (), self._asked(args, kwargs)
            result = self._real["set_timesteps"](*args, **kwargs)
            runs = (run for opens in self.opens if (run := opens(self.scheduler)) is not None)
            run = next(runs, None)
            self._runs.append((self.scheduler.timesteps if run is None else run.timesteps, run))
            if run is not None:
                self._show(run)
        return result

    def _asked(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """The arguments of ``set_timesteps``, with timesteps that a schedule's sampler has."""
        arguments = dict(self._setting.bind(*args, **kwargs).arguments)
        for ask in self.asks:
            arguments = ask(self.scheduler, arguments)
        return arguments

    def step(self, *args: Any, **kwargs: Any) -> Any:
        """One update, as the scheduler's own returns it."""
        given = self._signature.bind(*args, **kwargs).arguments
        run = self._run(given["timestep"])
        if run is None:
            return self._real["step"](*args, **kwargs)
        self._check_options(given, run)
        following = run.step(given["model_output"], given["sample"])
        self._show(run)
        result = run.trace.form(following)
        return result if given.get("return_dict", True) else result.to_tuple()

    def scale_model_input(self, sample: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The latents as the model's input at a computed call."""
        run = self._run(args[0] if args else kwargs.get("timestep"))
        if run is not None:
            return run.scaled(sample)
        scaled: Tensor = self._real["scale_model_input"](sample, *args, **kwargs)
        return scaled

    def add_noise(self, *args: Any, **kwargs: Any) -> Any:
        """The scheduler's own, over all its timesteps."""
        return self._over_all("add_noise", args, kwargs)

    def scale_noise(self, *args: Any, **kwargs: Any) -> Any:
        """The same for flow matching."""
        return self._over_all("scale_noise", args, kwargs)

    def _over_all(self, name: str, args: Any, kwargs: Any) -> Any:
        run = self.newest
        if run is None:
            return self._real[name](*args, **kwargs)
        shown, self.scheduler.timesteps = self.scheduler.timesteps, run.every
        try:
            return self._real[name](*args, **kwargs)
        finally:
            self.scheduler.timesteps = shown

    def _run(self, timestep: Any) -> FusedRun | None:
        run = self.run_of(timestep)
        if run is None:
            return None
        run.check(timestep)
        begin = vars(self.scheduler).get("_begin_index")
        if begin:
            raise MismatchError(
                f"The run begins at timestep {begin}, but a fused one begins at the first.",
                remedy=run.remedy("Leave no timesteps out"),
            )
        return run

    def _check_options(self, given: dict[str, Any], run: FusedRun) -> None:
        """Refuse options that would change a step."""
        for name, value in given.items():
            usual = self._signature.parameters[name].default
            if name in _IGNORED or value is usual:
                continue
            if isinstance(value, Tensor) or value != usual:
                raise MismatchError(
                    f"The step has {name}={value!r}, but a fused run steps without options.",
                    remedy=run.remedy("Leave it out"),
                )

    def _show(self, run: FusedRun) -> None:
        """What others read of a scheduler in mid-run."""
        state = vars(self.scheduler)
        if run is self.newest:
            self.scheduler.timesteps = run.timesteps
        if "_step_index" in state:
            state["_step_index"] = run.number
        if getattr(type(self.scheduler), "order", 1) != 1:
            # Progress bars move once for every ``order`` calls.
            state["order"] = 1

    def _show_all(self) -> None:
        run = self.newest
        if run is not None:
            vars(self.scheduler).pop("order", None)
            self.scheduler.timesteps = run.every

    def _install(self) -> None:
        for name, real in self._real.items():
            vars(self.scheduler)[name] = _Method(self, name, real)

    def _uninstall(self) -> None:
        self._show_all()
        self._runs.clear()
        for name in self._real:
            vars(self.scheduler).pop(name, None)

    def copy(self, scheduler: Any) -> StandIn:
        """The same on a copy of the scheduler, which some pipelines make for a second stream."""
        twin = StandIn.__new__(StandIn)
        twin.scheduler, twin.opens, twin.asks = scheduler, list(self.opens), list(self.asks)
        twin._runs, twin._copies = deque(maxlen=_MOST), WeakSet()
        twin._signature, twin._setting = self._signature, self._setting
        twin._guard = threading.Lock()
        twin._real = {
            name: getattr(type(scheduler), name).__get__(scheduler) for name in self._real
        }
        self._copies.add(twin)
        return twin


class _Method:
    """One method of a stand-in: an attribute of the scheduler that can be called."""

    def __init__(self, stand_in: StandIn, name: str, real: Any) -> None:
        self.stand_in = stand_in
        self._name = name
        # Pipelines look the arguments of the scheduler's own up.
        self.__wrapped__ = real

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.stand_in, self._name)(*args, **kwargs)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise never_copied()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Method:
        scheduler = memo.get(id(self.stand_in.scheduler))
        if scheduler is None:
            return self
        twin = memo.get(id(self.stand_in))
        if twin is None:
            twin = memo[id(self.stand_in)] = self.stand_in.copy(scheduler)
        return _Method(twin, self._name, twin._real[self._name])


def never_copied() -> UnsupportedError:
    """The error for a copy, in memory or in a file, of what runs a schedule."""
    return UnsupportedError(
        "A pipeline can be neither copied nor pickled while a schedule is applied.",
        remedy="Call dato.remove, copy or pickle, then dato.apply to each.",
    )
