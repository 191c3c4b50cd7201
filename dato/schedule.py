"""Schedules: what each call of a denoiser recomputes and prunes. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType

from dato.errors import TunedError
from dato.forecast_checks import check_slope, check_weights, readable
from dato.kind import MAX_VALUES, Depth, Forecast, Kind, Quantity, refreshes
from dato.schedule_checks import MOST_LISTED, check_names, check_ratios, check_tuned
from dato.slope import LINE, Slope
from dato.token_settings import Tokens
from dato.tuned import TunedSampler

__all__ = [
    "MAX_VALUES",
    "MOST_LISTED",
    "Depth",
    "Forecast",
    "Kind",
    "Quantity",
    "Schedule",
    "Tokens",
    "refreshes",
]


@dataclass(frozen=True)
class Schedule:
    """A codebook of kinds and the name of the kind of each call.

    Args:
        kinds: kinds by name; each is used by at least one step.
        steps: one kind name per call, the first of them full.
        tokens: token selection shared by all kinds.
        weights: for each call whose kind is ``"fitted"``, the weights of one to three held values,
            the newest first.
        quantity: what outputs are held as.
        slope: how far along their line the ``"linear"`` forecasts of outputs (depth 0) go. Those of
            cuts go all the way, and so do all where the sampler leaves one value to read.
        tuned: timesteps and weights in the place of the scheduler's; every call is full then.

    Raises:
        ScheduleError: a subclass for each broken rule.
    """

    kinds: Mapping[str, Kind]
    steps: tuple[str, ...]
    tokens: Tokens = Tokens()
    weights: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    quantity: Quantity = "epsilon"
    slope: Slope = LINE
    tuned: TunedSampler | None = None

    def __post_init__(self) -> None:
        weights = {call: tuple(self.weights[call]) for call in sorted(self.weights)}
        object.__setattr__(self, "kinds", MappingProxyType(dict(self.kinds)))
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "weights", MappingProxyType(weights))
        check_names(self.kinds, self.steps)
        check_ratios(self.kinds, self.tokens)
        check_weights(self.kinds, self.steps, self.weights, self.quantity)
        check_slope(self.slope, self.draws_lines)
        check_tuned(self.tuned, self.kinds, self.steps, self.quantity)

    @property
    def draws_lines(self) -> bool:
        """Whether a call forecasts the output on a line through two computed ones."""
        kinds = map(self.kinds.__getitem__, self.steps)
        return any(
            kind.depth == 0 and kind.forecast == "linear" and sources > 1
            for kind, sources in zip(kinds, readable(self.kinds, self.steps), strict=True)
        )

    def sloped(self, slope: Slope) -> Schedule:
        """This schedule with another slope; with none where no line is drawn that it could turn."""
        return replace(self, slope=slope if self.draws_lines else LINE)

    @property
    def calls(self) -> int:
        """Number of denoiser calls that the schedule covers."""
        return len(self.steps)

    def kind(self, call: int) -> Kind:
        """The kind of call number ``call`` (from 0)."""
        return self.kinds[self.steps[call]]

    def sources(self, call: int) -> tuple[int, ...]:
        """The earlier calls that computed what ``call`` stands on, the newest first; at most three.

        That is the output at depth 0 and cut ``n`` at depth ``n``. A full call has none.
        """
        depth = self.kind(call).depth
        if depth == "full":
            return ()
        computed = (
            each for each in reversed(range(call)) if refreshes(self.kind(each).depth, depth)
        )
        return tuple(islice(computed, MAX_VALUES))

    def resampled(self, calls: int) -> Schedule:
        """This schedule for another number of calls: each takes the kind at its place in the run.

        Slopes are shares over the run, so they stay. Fitted weights belong to their own calls
        only, so fitted forecasts become linear ones.

        Raises:
            EmptyScheduleError: ``calls`` is not positive.
            TunedError: the schedule has a tuned sampler, whose calls are as many as they are.
        """
        if calls == self.calls:
            return self
        if self.tuned is not None:
            raise TunedError(
                f"The tuned sampler is for {self.calls} calls and cannot be stretched to {calls}.",
                remedy=f"Run it with num_inference_steps={self.calls}.",
            )
        steps = tuple(self.steps[call * self.calls // calls] for call in range(calls))
        kinds = {name: self.kinds[name] for name in dict.fromkeys(steps)}
        for name, kind in kinds.items():
            if kind.forecast == "fitted":
                kinds[name] = replace(kind, forecast="linear")
        return Schedule(kinds, steps, self.tokens, quantity=self.quantity).sloped(self.slope)

    def __hash__(self) -> int:
        parts = frozenset(self.kinds.items()), tuple(self.weights.items())
        return hash((*parts, self.steps, self.tokens, self.quantity, self.slope, self.tuned))

    def __reduce__(self) -> tuple[type[Schedule], tuple[object, ...]]:
        codebook = dict(self.kinds), self.steps, self.tokens
        others = dict(self.weights), self.quantity, self.slope, self.tuned
        return (Schedule, (*codebook, *others))

    @classmethod
    def full(cls, calls: int) -> Schedule:
        """The null schedule: every call is the unpatched forward."""
        return cls(kinds={"full": Kind()}, steps=("full",) * calls)

    @classmethod
    def uniform(
        cls,
        calls: int,
        interval: int,
        depth: int = 1,
        prune: Mapping[str, float] | None = None,
        tokens: Tokens = Tokens(),
        forecast: Forecast = "hold",
    ) -> Schedule:
        """A full call every ``interval`` calls, ``depth`` in between, ``prune`` wherever it can.

        Args:
            forecast: ``"hold"`` or ``"linear"``, of the calls in between.
        """
        full = Kind("full", prune or {})
        cached = Kind(depth, (prune or {}) if depth else {}, forecast)
        steps = tuple("cached" if call % interval else "full" for call in range(calls))
        kinds = {"full": full, "cached": cached}
        return cls({name: kinds[name] for name in dict.fromkeys(steps)}, steps, tokens)
