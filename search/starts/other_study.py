"""The front of another study as starts of this one (``warmstart.study``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dato import Schedule, Topology
from dato.schedule import Forecast
from search.errors import ConfigError, UserError
from search.preparation.instruments import Instruments
from search.records.base_sampler import Base
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings.compose import load_config
from search.space import Space, SpaceContext, load_space
from search.space.bind import Bound
from search.space.decode import decode
from search.space.domains import Value, nearest
from search.space.lines import without_idle_lines
from search.space.parameters import at_call
from search.starts.writing import NotInSpaceError, Params, written
from search.study.front_choice import front_of
from search.study.storage import read_study
from search.study.trial_records import read_records


def front_of_study(path: str, instruments: Instruments) -> list[Params]:
    """What this study's space has of another study's front; the watcher is told of the rest.

    Raises:
        UserError: it has nothing of it.
    """
    folder = StudyFolder.open(Path(path))
    config = load_config(folder.config)
    tried = read_records(read_study(folder, config.storage))
    records = [record for record in tried if record.tuned_from is None]  # no parameter is tuned
    front = [member.record for member in front_of(records, instruments.config.quality.objective)]
    theirs, starts, lacking = load_space(config.space), list[Params](), list[str]()
    for record in front:
        try:
            starts.append(passed_on(record, theirs, instruments.space, instruments.context))
        except NotInSpaceError as error:
            lacking.append(str(error))
    if not starts:
        why = f": {lacking[0]}" if lacking else ""
        calls = instruments.context.calls
        same = any(each.schedule is not None and each.schedule.calls == calls for each in front)
        raise UserError(
            f"warmstart.study={path!r} has {len(front)} schedules on its front, and the space "
            f"{instruments.space.name!r} can take none of them for {calls} calls{why}. Give a "
            "study of the same number of calls and the same kind of space"
            + (", or take space=per_call, which can express any schedule of it." if same else ".")
        )
    if lacking:
        instruments.watcher.stage(
            f"{len(lacking)} of {len(front)} schedules of {path} are left out: {lacking[0]}"
        )
    return starts


def passed_on(record: TrialRecord, theirs: Space, ours: Space, context: SpaceContext) -> Params:
    """A trial of another study's space as parameters of ours.

    Spaces of one rule share parameters, which then mean the same. A space with a depth for each
    call takes any schedule call by call.

    Raises:
        NotInSpaceError: neither is so, or our space lacks a value; the message says which.
    """
    schedule, base = record.schedule, record.base
    if base not in ours.bases:
        raise NotInSpaceError(f"the space {ours.name!r} has no base {_title(base)}")
    bound = ours.on(base, context)
    if schedule is None or schedule.calls != bound.context.calls:
        calls = 0 if schedule is None else schedule.calls
        raise NotInSpaceError(f"they make {calls} calls")
    share = ours.spec.rule == theirs.spec.rule != "per_call"
    params = _shared(record.params, theirs, bound) if share else call_by_call(bound, schedule)
    return ours.lifted(params, base, context)


def _title(base: Base | None) -> str:
    return "of the study's own sampler" if base is None else base.title


def _shared(params: Mapping[str, Value], theirs: Space, bound: Bound) -> Params:
    """Values of a space's parameters that mean what they mean in another space of its rule."""
    try:
        other = theirs.bind(bound.context)
    except ConfigError as error:
        raise NotInSpaceError(str(error)) from error
    values = {
        parameter.name: nearest(parameter.domain, params[parameter.name])
        for parameter in other.parameters
        if parameter.name in params
    }
    values = {**other.constants, **values}
    return _checked(bound, values, decode(other, values))


def call_by_call(bound: Bound, schedule: Schedule) -> Params:
    """A schedule as parameters of a space with a depth for each call.

    Raises:
        NotInSpaceError: the space has none, or lacks what the schedule does.
    """
    calls, spec = schedule.calls, bound.spec
    depth = spec.entry("calls.depth")
    if depth is None or depth.per != "call":
        raise NotInSpaceError(f"the rule of the space {spec.name!r} places its full calls itself")
    kinds = [schedule.kind(call) for call in range(calls)]
    values: Params = {
        at_call("calls.depth", call, calls): kinds[call].depth for call in range(1, calls)
    }
    for call, kind in enumerate(kinds):
        ratios = bound.context.topology.ratios(kind)
        for layer, entry in bound.pruned["calls"].items():
            name = entry.at(call, calls)
            values[name] = max(float(values.get(name, 0.0)), ratios.get(layer, 0.0))
    outputs = [kind.forecast for kind in kinds if kind.depth == 0]
    cuts = [kind.forecast for kind in kinds if kind.depth not in (0, "full")]
    values |= {"forecast.output": _one(outputs), "forecast.cut": _one(cuts)}
    values |= {f"forecast.slope.{end}": share for end, share in vars(schedule.slope).items()}
    tokens = vars(schedule.tokens)
    values |= {f"tokens.{name}": tokens[name] for name in tokens if name != "patch"}
    return _checked(bound, values, schedule)


def _one(forecasts: Sequence[Forecast]) -> Forecast:
    """The forecast of some calls: one that repeats a single value shows as a hold."""
    return next((forecast for forecast in forecasts if forecast != "hold"), "hold")


def _checked(bound: Bound, values: Mapping[str, Value], wanted: Schedule) -> Params:
    """``values`` as parameters of a space, if they decode to what ``wanted`` does."""
    live = {parameter.name for parameter in bound.parameters}
    params = written(bound, {name: value for name, value in values.items() if name in live})
    topology = bound.context.topology
    if _does(decode(bound, bound.complete(params)), topology) != _does(wanted, topology):
        raise NotInSpaceError(f"the constants of the space {bound.spec.name!r} are others")
    return params


def _does(schedule: Schedule, topology: Topology) -> tuple[object, ...]:
    """What each call does, whatever its kind is called. Fitted weights follow from that and from
    the calibration, so that they are another study's own."""
    named = [schedule.kind(call) for call in range(schedule.calls)]
    kinds = without_idle_lines(named, each_call=True)
    calls = [(kind.depth, topology.ratios(kind), kind.forecast) for kind in kinds]
    prunes = any(ratios for _, ratios, _ in calls)
    return calls, schedule.tokens if prunes else None, schedule.slope
