"""What a denoising run is made with: a schedule, and the sampler that it runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dato import Schedule
from dato.preset.fields import ClassName, Setting
from search.records.fields import Settings, Steps
from search.records.sampler_titles import sampler_title
from search.records.timesteps import OWN_TIMESTEPS, Timesteps

OWN = "own"
"""The study's own sampler and number of steps, where samplers are named."""


@dataclass(frozen=True)
class Base:
    """A scheduler, its number of steps, and where they are.

    Args:
        scheduler: class name of a diffusers scheduler; it takes the settings of the model's own.
        steps: of one run, which may make more calls than that.
        settings: those of the scheduler that differ from the model's own, by name.
    """

    scheduler: ClassName
    steps: Steps
    settings: Settings = ()
    timesteps: Timesteps = OWN_TIMESTEPS

    @property
    def label(self) -> str:
        """The value of the parameter ``base``, such as ``"UniPCMultistep-20"``."""
        settings = "".join(f"-{name}={_plain(value)}" for name, value in self.settings)
        source = self.timesteps.source
        at = "" if source == OWN else f"-timesteps={source}"
        return f"{self.scheduler.removesuffix('Scheduler')}-{self.steps}{settings}{at}"

    @property
    def title(self) -> str:
        """For people, such as ``"UniPC, 20 steps, use_karras_sigmas=true"``."""
        settings = [f"{name}={_plain(value)}" for name, value in self.settings]
        steps = steps_text(self.steps), *self.timesteps.words
        return ", ".join((sampler_title(self.scheduler), *steps, *settings))


def label_of(base: Base | None) -> str:
    """The value of the parameter ``base``."""
    return OWN if base is None else base.label


@dataclass(frozen=True)
class Run:
    """What a denoising run is made with.

    Args:
        schedule: ``None`` computes every call, as the unpatched pipeline does.
        base: another sampler than the study's own.
    """

    schedule: Schedule | None
    base: Base | None = None

    def schedule_on(self, calls: int) -> Schedule:
        """The schedule, also where none is applied: then every call is full.

        Args:
            calls: of the sampler.
        """
        return Schedule.full(calls) if self.schedule is None else self.schedule

    @property
    def is_unpatched(self) -> bool:
        """Whether it is the unpatched pipeline on the study's own sampler, whose images are the
        reference's, bit for bit."""
        kinds = () if self.schedule is None else self.schedule.kinds.values()
        if self.schedule is not None and self.schedule.tuned is not None:
            return False
        return self.base is None and all(kind.is_null for kind in kinds)


UNPATCHED = Run(None)
"""The unpatched pipeline on the study's own sampler."""


def sampler_words(scheduler: str, settings: Mapping[str, Setting]) -> str:
    """A sampler and what of its settings people call it by: ``"DPM-Solver++ 2M, Karras sigmas"``.

    Args:
        settings: that are not the defaults of its class. Those that are not named here say how a
            model was trained, or where its timesteps begin.
    """
    return ", ".join((sampler_title(scheduler), *setting_words(settings)))


def setting_words(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """What people call some settings."""
    named = [words for name, words in _WORDS.items() if settings.get(name) is True]
    valued = [f"{name}={_plain(settings[name])}" for name in _VALUED if name in settings]
    return (*named, *valued)


def setting_line(
    scheduler: str, settings: Mapping[str, Setting], steps: int, guidance_scale: float
) -> str:
    """What is run, such as ``"DPM-Solver++ 2M, Karras sigmas, 20 steps, guidance 4"``."""
    words = sampler_words(scheduler, settings)
    return f"{words}, {steps_text(steps)}, guidance {guidance_scale:g}"


def steps_text(steps: int) -> str:
    """How many steps, such as ``"8 steps"``."""
    return f"{steps} step{'' if steps == 1 else 's'}"


_WORDS = {
    "use_karras_sigmas": "Karras sigmas",
    "use_exponential_sigmas": "exponential sigmas",
    "use_beta_sigmas": "beta sigmas",
    "use_lu_lambdas": "Lu lambdas",
    "stochastic_sampling": "stochastic",
}
_VALUED = ("algorithm_type", "solver_order", "solver_type", "final_sigmas_type", "order")


def _plain(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
