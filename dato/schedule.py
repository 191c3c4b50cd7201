"""Schedules: what each call of a denoiser recomputes and prunes. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import Literal, get_args

from dato.errors import (
    DepthError,
    EmptyScheduleError,
    FirstCallError,
    ForecastError,
    RatioError,
    SlopeError,
    TokensError,
    TunedError,
    UnknownKindError,
)
from dato.slope import LINE, Slope
from dato.tuned import TunedSampler

Depth = int | Literal["full"]
"""``0`` reuses the previous output, ``1..L`` recomputes that many skip branches, ``"full"`` all."""

Forecast = Literal["hold", "linear", "fitted"]
"""What stands in for a held value: the last one itself, a straight line through the last two over
the sampler's timesteps, or the sum that the schedule's weights give."""

Quantity = Literal["epsilon", "output"]
"""What an output is held as. ``"epsilon"`` is what makes the sampler take a longer step: the
predicted noise; the predicted clean sample where the sampler adds noise of its own; the velocity of
a flow-matching model. ``"output"`` is what the denoiser returns: presets of version 1 mean this."""

MAX_VALUES = 3
"""The most held values that one forecast reads."""

MOST_LISTED = 4
"""The most names that an error lists, each of up to 200 characters in a file."""


def refreshes(depth: Depth, cut: int) -> bool:
    """Whether a call of ``depth`` computes the value at ``cut`` anew; cut 0 is the output."""
    return (math.inf if depth == "full" else depth) > cut


def _listed(names: Iterable[str]) -> str:
    """The first names of many, for a sentence."""
    some = sorted(names)
    return ", ".join(some[:MOST_LISTED]) + (", ..." if len(some) > MOST_LISTED else "")


@dataclass(frozen=True)
class Kind:
    """What one call does.

    Args:
        depth: see :data:`Depth`.
        prune: pruning ratio by layer name (``"up_blocks.3.attentions.2"``) or by level
            (``"level_0"`` means every self-attention of that level). A layer's own entry wins.
        forecast: what stands in for the held value of a call that is not full.
    """

    depth: Depth = "full"
    prune: Mapping[str, float] = field(default_factory=dict)
    forecast: Forecast = "hold"

    def __post_init__(self) -> None:
        depth = self.depth
        if depth != "full" and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
            raise DepthError(
                f'The depth {depth!r} is neither "full" nor an integer from 0 on.',
                remedy="Use 0 to reuse the previous output, or the number of skip branches.",
            )
        pruned = [layer for layer, ratio in self.prune.items() if ratio > 0]
        if depth == 0 and pruned:
            raise RatioError(
                f"A kind of depth 0 prunes {pruned[0]!r}, but it runs no attention.",
                remedy="Remove its prune entries.",
            )
        if self.forecast not in get_args(Forecast):
            raise ForecastError(
                f'The forecast {self.forecast!r} is none of "hold", "linear" and "fitted".',
                remedy='Use "hold" for the last computed value.',
            )
        if depth == "full" and self.forecast != "hold":
            raise ForecastError(
                f"A full call has the forecast {self.forecast!r}, but it stands on no held value.",
                remedy="Remove its forecast.",
            )
        object.__setattr__(self, "prune", MappingProxyType(dict(sorted(self.prune.items()))))

    @property
    def is_null(self) -> bool:
        """Whether this kind is exactly the unpatched forward."""
        return self.depth == "full" and not any(self.prune.values())

    def __hash__(self) -> int:
        return hash((self.depth, tuple(self.prune.items()), self.forecast))

    def __reduce__(self) -> tuple[type[Kind], tuple[Depth, dict[str, float], Forecast]]:
        return (Kind, (self.depth, dict(self.prune), self.forecast))


@dataclass(frozen=True)
class Tokens:
    """How tokens are selected, for every pruned layer of a schedule (paper section 3.2).

    Args:
        patch: height and width in tokens of the patches that each keep one base token.
        dynamics_weight: weight of the dynamics in a base token's score.
        noise_weight: weight of the standard normal noise in a base token's score.
        protect: share of tokens with the highest dynamics that are pruned last.
        share: ``"level"`` makes one selection per call and level, ``"layer"`` one per layer.
    """

    patch: tuple[int, int] = (2, 2)
    dynamics_weight: float = 1.0
    noise_weight: float = 0.1
    protect: float = 0.2
    share: Literal["level", "layer"] = "level"

    def __post_init__(self) -> None:
        if min(self.patch) < 1 or math.prod(self.patch) < 2:
            raise TokensError(
                f"The patch {self.patch} is too small: it needs two tokens.", remedy="Use [2, 2]."
            )
        for name in ("dynamics_weight", "noise_weight"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise TokensError(
                    f"The {name} {value!r} is no finite number from 0 on.",
                    remedy=f"Use {getattr(Tokens, name)}, or 0 for a score without that part.",
                )
        if not 0 <= self.protect <= 1:
            raise TokensError(
                f"The share protect={self.protect!r} is not between 0 and 1.",
                remedy=f"Use {Tokens.protect}, or 0 to protect nothing.",
            )
        if self.share not in ("level", "layer"):
            raise TokensError(
                f'The share {self.share!r} is neither "level" nor "layer".',
                remedy='Use "level" for one selection per call and level.',
            )

    @property
    def max_ratio(self) -> float:
        """Largest pruning ratio: base tokens, one per patch, are never pruned."""
        return 1 - 1 / math.prod(self.patch)


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
        self._check_names()
        self._check_ratios()
        self._check_weights()
        self._check_slope()
        self._check_tuned()

    def _check_names(self) -> None:
        if not self.steps or not self.kinds:
            missing = "kinds" if self.steps else "steps"
            raise EmptyScheduleError(f"The schedule has no {missing}.", remedy="Add at least one.")
        unknown = sorted(set(self.steps) - set(self.kinds))
        if unknown:
            raise UnknownKindError(
                f"A step names the kind {unknown[0]!r}, which is not defined.",
                remedy=f"Defined kinds: {_listed(self.kinds)}.",
            )
        unused = sorted(set(self.kinds) - set(self.steps))
        if unused:
            raise UnknownKindError(
                f"No step names the kind {unused[0]!r}.",
                remedy="Remove it or use it.",
            )
        first = self.kinds[self.steps[0]]
        if first.depth != "full":
            raise FirstCallError(
                f"The first call has the depth {first.depth}, but there is nothing to reuse yet.",
                remedy='Give the first step a kind of depth "full".',
            )

    def _check_ratios(self) -> None:
        limit = self.tokens.max_ratio
        for name, kind in self.kinds.items():
            for layer, ratio in kind.prune.items():
                if not (math.isfinite(ratio) and 0 <= ratio <= limit):
                    raise RatioError(
                        f"The pruning ratio {ratio!r} of {layer!r} in the kind {name!r} is not "
                        f"between 0 and 1 - 1/(patch area) = {limit:g}.",
                        remedy="Lower the ratio or enlarge the patch."
                        if ratio > limit
                        else "Use 0 to prune nothing.",
                    )

    def _check_weights(self) -> None:
        if self.quantity not in get_args(Quantity):
            raise ForecastError(
                f'The quantity {self.quantity!r} is neither "epsilon" nor "output".',
                remedy='Use "epsilon" to hold what lets the sampler take a longer step.',
            )
        fitted = {call for call, name in enumerate(self.steps) if self._is_fitted(name)}
        for call in sorted(fitted ^ set(self.weights)):
            raise self._unmatched(call)
        readable = self._readable()
        for call, weights in self.weights.items():
            if not 1 <= len(weights) <= MAX_VALUES:
                raise ForecastError(
                    f"Call {call} has {len(weights)} weights.",
                    remedy=f"Give it one to {MAX_VALUES}, the newest value's first.",
                )
            for weight in weights:
                if not math.isfinite(weight):
                    raise ForecastError(
                        f"Call {call} has the weight {weight!r}, which is not finite.",
                        remedy="Use a finite number.",
                    )
            if len(weights) > readable[call]:
                raise ForecastError(
                    f"Call {call} has {len(weights)} weights, but it can read {readable[call]}: "
                    "no more earlier calls computed the value.",
                    remedy="Remove weights from the end.",
                )

    def _unmatched(self, call: int) -> ForecastError:
        """The error of a call that lacks weights, or that has some and should not."""
        if call not in self.weights:
            return ForecastError(
                f"Call {call} has the fitted kind {self.steps[call]!r}, but no weights.",
                remedy="Add its weights.",
            )
        known = 0 <= call < self.calls
        return ForecastError(
            f"There are weights for call {call}, "
            + ("whose kind is not fitted." if known else f"but only {self.calls} calls, from 0."),
            remedy="Remove its weights.",
        )

    def _check_slope(self) -> None:
        if self.slope != LINE and not self.draws_lines:
            raise SlopeError(
                f"Nothing reads the slope {self.slope.early:g} to {self.slope.late:g}: no call of "
                "depth 0 draws a line through two outputs.",
                remedy="Remove the slope, or give calls of depth 0 a linear forecast.",
            )

    def _check_tuned(self) -> None:
        if self.tuned is None:
            return
        if self.tuned.calls != self.calls:
            raise TunedError(
                f"The tuned sampler has {self.tuned.calls} calls, but the schedule {self.calls}.",
                remedy="Give the schedule one step for each timestep.",
            )
        for name, kind in self.kinds.items():
            if kind.depth != "full":
                raise TunedError(
                    f"A tuned sampler computes every call, but the kind {name!r} has the depth "
                    f"{kind.depth}.",
                    remedy="Use full kinds only.",
                )
        if self.quantity != "epsilon":
            raise TunedError(
                f"A tuned sampler sums what is held as epsilon, but the quantity is "
                f"{self.quantity!r}.",
                remedy='Use "epsilon".',
            )

    def _readable(self) -> list[int]:
        """For each call, the number of its sources, in one pass: a file may have 10,000 calls."""
        counts: list[int] = []
        deepest: list[float] = []
        for name in self.steps:
            depth = self.kinds[name].depth
            rank = math.inf if depth == "full" else depth
            counts.append(sum(each > rank for each in deepest))
            deepest = sorted((*deepest, rank), reverse=True)[:MAX_VALUES]
        return counts

    def _is_fitted(self, name: str) -> bool:
        return self.kinds[name].forecast == "fitted"

    @property
    def draws_lines(self) -> bool:
        """Whether a call forecasts the output on a line through two computed ones."""
        kinds = map(self.kinds.__getitem__, self.steps)
        return any(
            kind.depth == 0 and kind.forecast == "linear" and readable > 1
            for kind, readable in zip(kinds, self._readable(), strict=True)
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
        found = (each for each in reversed(range(call)) if refreshes(self.kind(each).depth, depth))
        return tuple(islice(found, MAX_VALUES))

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
