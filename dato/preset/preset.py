"""Presets: a schedule with the model, sampler and measurements that it belongs to, as JSON.

The reader makes frozen values and refuses whatever the format does not define. A preset is data:
nothing in it can import or run. Imports no torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ValidationError

from dato.files import replace_text
from dato.preset.card import card
from dato.preset.contents import Contents
from dato.preset.diff import Difference, diff
from dato.preset.explain import explain
from dato.preset.format import PresetFile, to_plain, version_of
from dato.preset.hub import PREFIX, hub_file, push
from dato.preset.parse import parse, to_bytes, to_text
from dato.preset.read import read_text
from dato.preset.versions import FORMAT, to_current
from dato.preset.write import render


@dataclass(frozen=True)
class Preset(Contents):
    """A schedule and what it belongs to, as a file that can be read, written and shared."""

    format: ClassVar[str] = FORMAT

    @property
    def version(self) -> int:
        """The lowest version of the format that can say what this preset holds."""
        return version_of(self)

    @classmethod
    def from_json(cls, text: str) -> Preset:
        """Parse the text of a preset file.

        Raises:
            PresetError, ScheduleError: a subclass for each broken rule.
        """
        data = to_bytes(to_current(parse(text)))
        try:
            file = PresetFile.model_validate_json(data)
        except ValidationError as error:
            raise explain(error) from None
        return cls(**vars(file.to_contents()))

    @classmethod
    def from_dict(cls, data: dict[str, object]) -> Preset:
        """Parse plain data as :meth:`to_dict` returns it; raises as :meth:`from_json` does."""
        return cls.from_json(to_text(data))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Preset:
        """Read a preset file; raises as :meth:`from_json` does, or :class:`PresetFileError`."""
        return cls.from_json(read_text(Path(path)))

    def to_dict(self) -> dict[str, object]:
        """Plain data in the file's layout and order."""
        return to_plain(self)

    def to_json(self) -> str:
        """Text of the preset file, checked by reading it back; equal presets give equal text."""
        return render(Preset.from_dict(self.to_dict()).to_dict()) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the preset file; a failure leaves an older one as it was."""
        replace_text(Path(path), self.to_json())

    @classmethod
    def from_pretrained(cls, repo: str, name: str) -> Preset:
        """The preset ``name`` of a repository on the Hugging Face Hub, or of its local cache.

        Raises:
            HubError: the file can be neither downloaded nor found.
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
            HubError: you are not logged in or may not write there, or there is no connection.
        """
        name = name or self.name.rpartition("/")[2]
        files = {
            f"{name}.json": self.to_json(),
            f"{name}.md": self.card(f"{PREFIX}{repo}/{name}"),
        }
        return push(repo, name, files, private=private)

    def diff(self, other: Preset) -> tuple[Difference, ...]:
        """Every place of the file format where ``other`` differs; empty for equal presets."""
        return diff(self.to_dict(), other.to_dict())

    def card(self, source: str | None = None, pipeline: str | None = None) -> str:
        """Markdown for people: what it does, what it was measured on, how to run it.

        Args:
            source: what :func:`dato.load_preset` takes; by default the file beside the card that
                is named after the preset, as studies write both.
            pipeline: folder or hub id of the model; by default ``model.id``, which is the folder's
                name, without the folders above.
        """
        return card(self, source, pipeline)
