"""Presets: a schedule with the model, sampler and measurements that it belongs to, as JSON.

Reading parses once into frozen values and refuses anything that the format does not define. A
preset is data: nothing in it can import or run. Imports no torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ValidationError

from dato.errors import (
    DepthError,
    NewerVersionError,
    NotJsonError,
    TypeRuleError,
    WrongFormatError,
    WrongLengthError,
)
from dato.files import replace_text
from dato.preset.card import card
from dato.preset.convert import from_wire, to_plain
from dato.preset.diff import Difference, diff
from dato.preset.explain import explain
from dato.preset.format import FORMAT, VERSION, PresetWire, json_schema
from dato.preset.hub import PREFIX, hub_file, push
from dato.preset.info import Measured, ModelInfo, Provenance, SamplerInfo
from dato.preset.parse import check_plain, parse, shorten
from dato.preset.read import read_text
from dato.preset.write import render
from dato.schedule import Schedule

__all__ = ["Measured", "ModelInfo", "Preset", "Provenance", "SamplerInfo", "json_schema"]


@dataclass(frozen=True)
class Preset:
    """A schedule and what it belongs to.

    Args:
        name: such as ``"pocket/balanced"``.
        measured: ``None`` for a preset that was never measured.

    Raises:
        WrongLengthError: the schedule has another number of steps than ``sampler.calls``.
        DepthError: a kind is deeper than ``model.skip_branches``.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION

    name: str
    model: ModelInfo
    sampler: SamplerInfo
    schedule: Schedule
    measured: Measured | None = None
    provenance: Provenance = Provenance()

    def __post_init__(self) -> None:
        if self.schedule.calls != self.sampler.calls:
            raise WrongLengthError(
                f"A preset has one step for each of its {self.sampler.calls} calls.",
                found=self.schedule.calls,
                remedy="Correct steps or sampler.calls.",
            )
        for name, kind in self.schedule.kinds.items():
            if kind.depth != "full" and kind.depth > self.model.skip_branches:
                raise DepthError(
                    f"No depth exceeds model.skip_branches = {self.model.skip_branches} "
                    f"(kind {shorten(name)!r}).",
                    found=kind.depth,
                    remedy='Lower it or use "full".',
                )

    @classmethod
    def from_json(cls, text: str) -> Preset:
        """Parse the text of a preset file.

        Raises:
            PresetError, ScheduleError: a subclass for each broken rule.
        """
        return cls._from_plain(parse(text))

    @classmethod
    def from_dict(cls, data: dict[str, object]) -> Preset:
        """Parse plain data as :meth:`to_dict` returns it; raises as :meth:`from_json` does."""
        check_plain(data)
        return cls._from_plain(data)

    @classmethod
    def _from_plain(cls, data: object) -> Preset:
        try:
            wire = PresetWire.model_validate(_check_version(data))
        except ValidationError as error:
            raise explain(error) from None
        parts = from_wire(wire)
        return cls(
            wire.name, parts.model, parts.sampler, parts.schedule, parts.measured, parts.provenance
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Preset:
        """Read a preset file; raises as :meth:`from_json` does, or :class:`PresetFileError`."""
        return cls.from_json(read_text(Path(path)))

    def to_dict(self) -> dict[str, object]:
        """Plain data in the file's layout and order."""
        head: dict[str, object] = {"format": FORMAT, "version": VERSION, "name": self.name}
        return head | to_plain(
            self.model, self.sampler, self.schedule, self.measured, self.provenance
        )

    def to_json(self) -> str:
        """Text of the preset file: equal presets give equal text, and it can be read back."""
        return render(Preset.from_dict(self.to_dict()).to_dict()) + "\n"

    @classmethod
    def from_pretrained(cls, repo: str, name: str) -> Preset:
        """The preset ``name`` of a repository on the Hugging Face Hub, or of its local cache.

        Raises:
            HubError: it can be neither downloaded nor found.
            PresetError, ScheduleError: the file breaks the format.
        """
        return cls.load(hub_file(f"{PREFIX}{repo}/{name}"))

    def push_to_hub(self, repo: str, *, name: str | None = None, private: bool = False) -> str:
        """Upload the preset and a card beside it; the repository is made if there is none.

        Args:
            repo: ``"USER/REPO"``.
            name: file name without ``.json``; by default the last part of the preset's name.

        Returns:
            What :func:`dato.load_preset` takes, ``"hub:USER/REPO/NAME"``.

        Raises:
            HubError: not logged in, no permission, no connection.
        """
        return push(self, repo, name=name, private=private)

    def diff(self, other: Preset) -> tuple[Difference, ...]:
        """Every place of the file format where ``other`` differs; empty for equal presets."""
        return diff(self, other)

    def card(self) -> str:
        """Markdown for people: what it does, what it was measured on, how to run it."""
        return card(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the preset file by a temporary file and a rename."""
        replace_text(Path(path), self.to_json())


def _check_version(data: object) -> dict[str, object]:
    """Refuse what is no preset, or one from the future, before looking at anything else."""
    if not isinstance(data, dict):
        raise NotJsonError(
            "A preset is a JSON object.", found=shorten(data), remedy="Start it with {."
        )
    if data.get("format") != FORMAT:
        raise WrongFormatError(
            f'A preset has "format": "{FORMAT}".',
            found=shorten(data.get("format")),
            remedy="Is this the file you meant?",
        )
    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise TypeRuleError(
            "version is an integer from 1 on.", found=shorten(version), remedy=f"Use {VERSION}."
        )
    if version > VERSION:
        raise NewerVersionError(
            f"This dato reads preset versions up to {VERSION}.",
            found=version,
            remedy="Upgrade dato, or export the preset again with this version.",
        )
    return data
