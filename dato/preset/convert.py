"""Between the wire model and the frozen values that the rest of the package uses."""

from __future__ import annotations

from dataclasses import dataclass

from dato.preset.format import MeasuredWire, PresetWire, TokensWire
from dato.preset.info import Measured, ModelInfo, Provenance, SamplerInfo
from dato.schedule import Kind, Schedule, Tokens


@dataclass(frozen=True)
class Parts:
    """A preset without its name."""

    model: ModelInfo
    sampler: SamplerInfo
    schedule: Schedule
    measured: Measured | None
    provenance: Provenance


def from_wire(wire: PresetWire) -> Parts:
    """Frozen values of a validated file; raises :class:`ScheduleError` for a broken schedule."""
    model, sampler, origin = wire.model, wire.sampler, wire.provenance
    height, width = model.latent_size
    kinds = {name: Kind(kind.depth, kind.prune) for name, kind in wire.kinds.items()}
    return Parts(
        ModelInfo(model.id, model.skip_branches, model.fingerprint, (height, width)),
        SamplerInfo(
            sampler.scheduler, sampler.num_inference_steps, sampler.calls, sampler.guidance_scale
        ),
        Schedule(kinds, tuple(wire.steps), _tokens(wire.tokens)),
        _measured(wire.measured),
        Provenance(origin.study, origin.trial, origin.created, origin.versions),
    )


def _tokens(wire: TokensWire) -> Tokens:
    rows, columns = wire.patch
    return Tokens(
        (rows, columns), wire.dynamics_weight, wire.noise_weight, wire.protect, wire.share
    )


def _measured(wire: MeasuredWire | None) -> Measured | None:
    if wire is None:
        return None
    return Measured(
        fid=wire.fid,
        latency_s=wire.latency_s,
        speedup=wire.speedup,
        device=wire.device,
        images=wire.images,
        baseline_fid=wire.baseline.fid,
        baseline_latency_s=wire.baseline.latency_s,
    )


def to_plain(
    model: ModelInfo,
    sampler: SamplerInfo,
    schedule: Schedule,
    measured: Measured | None,
    provenance: Provenance,
) -> dict[str, object]:
    """The same as plain data, in the file's order; kinds in the order of their first use."""
    return {
        "model": {**vars(model), "latent_size": list(model.latent_size)},
        "sampler": dict(vars(sampler)),
        "tokens": {**vars(schedule.tokens), "patch": list(schedule.tokens.patch)},
        "kinds": {
            name: _kind_to_plain(schedule.kinds[name]) for name in dict.fromkeys(schedule.steps)
        },
        "steps": list(schedule.steps),
        "measured": None if measured is None else _measured_to_plain(measured),
        "provenance": {**vars(provenance), "versions": dict(provenance.versions)},
    }


def _kind_to_plain(kind: Kind) -> dict[str, object]:
    return {"depth": kind.depth, **({"prune": dict(kind.prune)} if kind.prune else {})}


def _measured_to_plain(measured: Measured) -> dict[str, object]:
    plain = dict(vars(measured))
    baseline = {"fid": plain.pop("baseline_fid"), "latency_s": plain.pop("baseline_latency_s")}
    return {**plain, "baseline": baseline}
