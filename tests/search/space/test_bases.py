"""A space may list base samplers: each has its own run, and all share the parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from search.errors import ConfigError
from search.records.base_sampler import Base, label_of
from search.records.timesteps import Timesteps
from search.space import Space, SpaceContext, load_space
from search.starts.spread import uniform_starts
from search.wording import shown
from tests.search.space.worlds import RUN, declared, run_of, shipped

DPM = Base("DPMSolverMultistepScheduler", 20, (("use_karras_sigmas", True),))
HEUN = Base("HeunDiscreteScheduler", 4)
PLAIN_DPM = {"scheduler": "DPMSolverMultistepScheduler", "steps": 20, "use_karras_sigmas": True}
PLAIN_HEUN = {"scheduler": "HeunDiscreteScheduler", "steps": 4}


def listed(*values: object, **changes: Any) -> Space:
    return load_space(declared(base={"kind": "choice", "values": list(values)}, **changes))


def context() -> SpaceContext:
    return replace(RUN, bases={DPM: run_of(20), HEUN: run_of(7)})


def test_the_base_is_a_parameter_before_those_of_the_space() -> None:
    space = listed("own", PLAIN_DPM, PLAIN_HEUN)
    head, *rest = space.parameters(context())
    assert head.name == "base"
    labels = ("own", "DPMSolverMultistep-20-use_karras_sigmas=true", "HeunDiscrete-4")
    assert head.domain.values == labels
    assert tuple(rest) == load_space(declared()).parameters(RUN)
    assert space.bases == (None, DPM, HEUN)


def test_a_base_may_have_given_timesteps() -> None:
    planned = {"scheduler": "HeunDiscreteScheduler", "steps": 4, "timesteps": "planned"}
    space = listed("own", PLAIN_HEUN, planned, planned | {"timesteps": "own", "order": 2})
    labels = ["own", "HeunDiscrete-4", "HeunDiscrete-4-timesteps=planned", "HeunDiscrete-4-order=2"]
    assert [label_of(base) for base in space.bases] == labels
    known = replace(HEUN, timesteps=Timesteps("planned", (9.0, 3.0, 2.0, 1.0)))
    resolved = space.with_bases((None, HEUN, known, space.bases[3]))
    assert resolved.base({"base": labels[2]}) == known


def test_a_space_without_bases_is_what_it_was() -> None:
    space = load_space(declared())
    assert type(space) is Space
    assert space.bases == (None,)
    assert space.on_own_sampler() is space


def test_a_schedule_belongs_to_its_base() -> None:
    space, rest = listed("own", PLAIN_DPM, PLAIN_HEUN), {"refresh.interval": 9, "prune.level_0": 0}
    own, dpm, heun = (
        space.run({"base": label, **rest}, context()) for label in ("own", DPM.label, HEUN.label)
    )
    assert (own.base, dpm.base, heun.base) == (None, DPM, HEUN)
    assert own.schedule == load_space(declared()).decode(rest, RUN)
    assert dpm.schedule == load_space(declared()).decode(rest, run_of(20))
    assert heun.schedule is not None and heun.schedule.calls == 7
    assert heun.schedule.steps.count("full") == 1, "9 is beyond the run, which means once"


def test_one_base_alone_needs_no_parameter() -> None:
    space = load_space(declared(base=PLAIN_DPM))
    assert space.bases == (DPM,)
    names = [own.name for own in space.parameters(context())]
    assert names == [own.name for own in load_space(declared()).parameters(RUN)]
    found = space.run({"refresh.interval": 2, "prune.level_0": 0}, context())
    assert found.base == DPM


def test_a_value_beyond_a_base_is_the_closest_that_it_has() -> None:
    space = shipped("bases")
    (start, *_) = uniform_starts(space, RUN, 8)
    many = {**start, "base": "UniPCMultistep-20", "refresh.full_calls": 50}
    assert space.decode(many, RUN).steps.count("full") == 20


def test_a_parameter_outside_the_space_is_refused() -> None:
    space = listed("own", PLAIN_DPM)
    for wrong in ({"base": "Euler-20"}, {}, {"base": "own", "refresh.interval": 400}):
        with pytest.raises(ConfigError):
            space.decode({"refresh.interval": 3, "prune.level_0": 0.2, **wrong}, context())


REMEDY = 'Write "own" or {scheduler: DPMSolverMultistepScheduler, steps: 20}.'
PLAIN = "Write true, false, a number or a text of at most 200 characters."


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("DDIM", f"base: 'DDIM' is no scheduler with its steps. {REMEDY}"),
        ({"steps": 5}, f"base.scheduler: the base has no scheduler. {REMEDY}"),
        ({"scheduler": "DDIM", "steps": 5},
         f"base.scheduler: 'DDIM' is no class name of a diffusers scheduler. {REMEDY}"),
        ({"scheduler": "os.system()Scheduler", "steps": 5},
         "base.scheduler: 'os.system()Scheduler' is no class name of a diffusers scheduler. "
         f"{REMEDY}"),
        ({"scheduler": "DDIMScheduler"}, f"base.steps: the base has no steps. {REMEDY}"),
        ({"scheduler": "DDIMScheduler", "steps": 0},
         f"base.steps: 0 is no number of steps from 1 to 1000. {REMEDY}"),
        ({"scheduler": "DDIMScheduler", "steps": True},
         f"base.steps: True is no number of steps from 1 to 1000. {REMEDY}"),
        ({"scheduler": "DDIMScheduler", "steps": 5, "timesteps": [1]},
         "base.timesteps: [1] is none of own, planned, ays. Write one of them."),
        ({"scheduler": "DDIMScheduler", "steps": 5, "_class_name": "x"},
         "base: '_class_name' cannot name a setting. Write it as the scheduler's Python argument."),
        ({"scheduler": "DDIMScheduler", "steps": 5, "betas": [0.1]},
         f"base.betas: [0.1] cannot be a setting. {PLAIN}"),
        ({"scheduler": "DDIMScheduler", "steps": 5, "eta": float("nan")},
         f"base.eta: nan cannot be a setting. {PLAIN}"),
        ({"kind": "choice", "values": []},
         "base.values: the list is empty. Write values: [...] with at least one."),
        ({"kind": "choice", "values": "own"},
         "base.values: 'own' is no list of values. Write values: [...] with at least one."),
        ({"kind": "int", "low": 1, "high": 2},
         "base.kind: 'int' is no kind of parameter here. Choose choice."),
        ({"kind": "choice", "values": ["own", "own"]},
         "base.values: 'own' is listed twice. Remove one of them."),
        ({"kind": "choice", "values": [PLAIN_DPM, PLAIN_DPM]},
         f"base.values: {shown(PLAIN_DPM)} is listed twice. Remove one of them."),
    ],
)  # fmt: skip
def test_a_wrong_base_is_named_with_the_remedy(base: object, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_space(declared(base=base))
    assert sentence in caught.value.problems


def test_bases_need_a_rule_that_any_run_can_follow() -> None:
    calls = {"depth": {"kind": "choice", "values": [1, "full"], "per": "call"}}
    with pytest.raises(ConfigError, match="Take rule interval, drift or planned"):
        load_space({"name": "x", "refresh": {"rule": "per_call"}, "calls": calls, "base": "own"})
