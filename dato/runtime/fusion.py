"""Which runs of a pipeline are fused, and why the others are not."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from dato.denoisers.other_caches import check_no_other_cache
from dato.denoisers.registry import denoiser_of, uncompiled
from dato.errors import MismatchError, UnsupportedError
from dato.fit import Fit
from dato.runtime import obstacles
from dato.runtime.call_setting import CallSetting
from dato.runtime.caller import Caller, call_of
from dato.runtime.flow_matching import check_flow
from dato.runtime.forecast import PolicyOf, forecasts
from dato.runtime.given_timesteps import GivenTimesteps
from dato.runtime.line_positions import line_positions
from dato.runtime.other_setting import warn_of_other_setting
from dato.runtime.passed_levels import warn_unlike
from dato.sampler.fused_run import FusedRun
from dato.sampler.probe import NotLinearError
from dato.sampler.rehearsal import rehearsed
from dato.sampler.stand_in import StandIn
from dato.sampler.trace import Skipped
from dato.sampler.traced import traced
from dato.sampler.tuned import tuned_run, tuned_updates
from dato.schedule import Schedule


@dataclass(frozen=True)
class _Opened:
    """What a fused run was opened for."""

    schedule: Schedule
    calls: Sequence[Skipped | None]


class Fusion:
    """Decides at each ``set_timesteps`` of a pipeline's scheduler, while a schedule is applied.

    Args:
        pipe: the pipeline, held weakly.
        fit: the schedule and what it belongs to.
        fuse: whether runs may be fused.
        adapted: whether the denoiser has an adapter, so that a run can go call by call, as one
            of a tuned sampler never can; else what is not fused is refused.
        policy_of: how calls read the held values that they stand on.

    ``ran`` is the schedule of the run that was begun last, as it was stretched for it; before the
    first one, the schedule as written.
    """

    def __init__(
        self, pipe: Any, fit: Fit, *, fuse: bool, adapted: bool, policy_of: PolicyOf = forecasts
    ) -> None:
        self._pipe = weakref.ref(pipe)
        self._fit = fit
        self._tuned = fit.schedule.tuned
        self._adapted = adapted and self._tuned is None
        self.policy_of = policy_of
        self._given = GivenTimesteps(fit, pipe.scheduler)
        self._never = self._obstacle(pipe, fuse=fuse)
        if self._never is not None and not self._adapted:
            raise self._unfused(self._never)
        if self._tuned is not None:
            check_flow(uncompiled(denoiser_of(pipe)), pipe.scheduler)
            tuned_updates(pipe.scheduler, self._tuned)
        self._opened: WeakKeyDictionary[FusedRun, _Opened] = WeakKeyDictionary()
        self._last: str | None = None
        self.ran = fit.schedule
        self._stand_in: StandIn | None = None
        self.put()

    def put(self) -> None:
        """Stand in for the scheduler's methods, for the first time or after :meth:`close`."""
        pipe = self._pipe()
        if pipe is not None and (self._never is None or self._given):
            self._stand_in = StandIn.on(pipe.scheduler)
            self._stand_in.add(self.open, self._asked if self._given else None)

    def _obstacle(self, pipe: Any, *, fuse: bool) -> str | None:
        if not fuse:
            return "fuse=False asks for it"
        kinds = self._fit.schedule.kinds.values()
        if self._tuned is None and all(kind.depth != 0 for kind in kinds):
            return "the schedule skips no call"
        return obstacles.of_pipeline(pipe)

    @property
    def never(self) -> str | None:
        """Why no run is fused, whatever its arguments; None where some are."""
        return self._never

    def reason(self) -> str:
        """Why the last run was not fused, or, before the first, why none will be; else empty."""
        if self._never is not None:
            return self._never
        if self.replaced:
            return "the pipeline has another scheduler than when the schedule was applied"
        return self._rehearsed() if self._last is None else self._last

    @property
    def given(self) -> bool:
        """Whether the last run was at the preset's timesteps, or the first one will be."""
        return self._given.taken

    def _rehearsed(self) -> str:
        """What a run of as many calls as the schedule has would meet in its scheduler."""
        pipe, schedule = self._pipe(), self._fit.schedule
        if self._tuned is not None or pipe is None:
            return ""
        given = () if self._fit.sampler is None else self._fit.sampler.timesteps
        scheduler = rehearsed(pipe.scheduler, schedule.calls, given)
        if scheduler is None:
            return ""
        try:
            traced(scheduler, skipped_calls(schedule, scheduler, self.policy_of), schedule.quantity)
        except NotLinearError as error:
            return str(error)
        return ""

    @property
    def replaced(self) -> bool:
        """Whether the pipeline has been given another scheduler since."""
        pipe, stand_in = self._pipe(), self._stand_in
        return (
            stand_in is not None and pipe is not None and stand_in.scheduler is not pipe.scheduler
        )

    def check_scheduler(self) -> None:
        """Refuse a scheduler that the pipeline was given since, where no run can go call by call,
        or where it would not know the preset's timesteps.

        Raises:
            MismatchError: it has another one.
        """
        if self.replaced and (self._given or not self._adapted):
            raise MismatchError(
                "The pipeline has another scheduler than when the schedule was applied.",
                remedy="Call dato.apply again.",
            )

    @property
    def current(self) -> FusedRun | None:
        """The fused run of the pipeline's scheduler that was opened last."""
        stand_in = self._stand_in
        return None if stand_in is None or self.replaced else self._known(stand_in.newest)

    def run_of(self, timestep: Any) -> FusedRun | None:
        """The fused run that a denoiser's call with a timestep belongs to."""
        if self._stand_in is None or self.replaced:
            return None
        return self._known(self._stand_in.run_of(timestep))

    def _known(self, run: FusedRun | None) -> FusedRun | None:
        return run if run is not None and run in self._opened else None

    def schedule_of(self, run: FusedRun) -> Schedule:
        """The schedule of a fused run."""
        return self._opened[run].schedule

    def is_plain(self, run: FusedRun) -> bool:
        """Whether a fused run asks for nothing but the denoiser's own forward."""
        kinds = self._opened[run].schedule.kinds.values()
        return all(kind.depth == 0 or kind.is_null for kind in kinds)

    def reads_across(self, run: FusedRun, number: int) -> bool:
        """Whether what comes after call ``number`` stands on an output from before it."""
        tuned = self._opened[run].schedule.tuned
        if tuned is not None:
            return any(len(weights) > 1 for weights in tuned.weights[number:])
        later = self._opened[run].calls[number:]
        return any(min(call.sources) < number for call in later if call is not None)

    def _asked(self, scheduler: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a scheduler is asked for in the place of a pipeline's arguments."""
        pipe = self._pipe()
        variables = None if pipe is None else call_of(pipe)
        others = variables is not None and variables.get("self") is not pipe
        if others:
            return arguments
        asked = self._given.asked(scheduler, arguments)
        if variables is not None:
            warn_unlike(self._fit, CallSetting.of(variables), arguments, asked)
        return asked

    def open(self, scheduler: Any) -> FusedRun | None:
        """The fused run whose timesteps a scheduler has just been given; None where it has none.

        Raises:
            MismatchError: the schedule is for another scheduler, or for another number of calls.
            UnsupportedError: the run is not fused, and cannot go call by call.
        """
        pipe = self._pipe()
        if pipe is None or self._never is not None:
            return None
        variables = call_of(pipe)
        if variables is not None and variables.get("self") is not pipe:
            return None  # another pipeline's run
        reason = "no call of the pipeline is running: a loop written by hand"
        if variables is not None:
            reason = obstacles.of_call(variables, scheduler, adapted=self._adapted) or ""
        denoiser = uncompiled(denoiser_of(pipe))
        if variables is not None:
            check_no_other_cache(denoiser)
        self._last = reason
        passed = "" if variables is None else CallSetting.of(variables).passed
        run = None if reason else self._start(scheduler, passed)
        if run is not None:
            warn_of_other_setting(self._fit, Caller.of(pipe), scheduler, denoiser)
        elif not self._adapted:
            raise self._unfused(self._last)
        return run

    def _start(self, scheduler: Any, passed: str) -> FusedRun | None:
        calls = len(scheduler.timesteps)
        self.ran = schedule = self._fit.schedule_for(scheduler, calls, passed)
        if schedule.tuned is not None:
            run = tuned_run(scheduler, schedule.tuned)
            self._opened[run] = _Opened(schedule, [None] * schedule.calls)
            return run
        skipped = skipped_calls(schedule, scheduler, self.policy_of)
        try:
            trace, types = traced(scheduler, skipped, schedule.quantity)
        except NotLinearError as error:
            self._last = str(error)
            return None
        run = FusedRun(trace, scheduler.timesteps, types, only=not self._adapted)
        self._opened[run] = _Opened(schedule, skipped)
        return run

    def _unfused(self, reason: str) -> UnsupportedError:
        """The error for a run that only fusing could give, and that is not fused."""
        why = "without an adapter for its denoiser a pipeline runs no other way"
        if self._tuned is not None:
            why = "a tuned sampler, which has no calls but its computed ones, runs no other way"
        return UnsupportedError(
            f"This run cannot be fused ({reason}), and {why}.",
            remedy="Change that, or call dato.remove.",
        )

    def close(self) -> None:
        """Give the scheduler back."""
        if self._stand_in is not None:
            self._stand_in.discard(self.open, self._asked)
            self._stand_in = None


def skipped_calls(
    schedule: Schedule, scheduler: Any, policy_of: PolicyOf
) -> Sequence[Skipped | None]:
    """What stands in for the output of each call of a run; None where it is computed."""
    policy = policy_of(schedule, line_positions(scheduler, scheduler.timesteps, schedule))
    calls: list[Skipped | None] = []
    for call in range(schedule.calls):
        if schedule.kind(call).depth != 0:
            calls.append(None)
            continue
        sources = schedule.sources(call)
        weights = policy(call, sources)
        calls.append(Skipped(sources[: len(weights)], tuple(weights)))
    return calls
