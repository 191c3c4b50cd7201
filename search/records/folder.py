"""Where a study keeps its files."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from search.errors import UserError
from search.records.links import refuse_links_out


@dataclass(frozen=True)
class StudyFolder:
    """Paths of one study; everything a person wants afterwards is below ``root``."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.yaml"

    @property
    def journal(self) -> Path:
        return self.root / "study.journal"

    @property
    def database(self) -> Path:
        """The storage of ``storage=sqlite``."""
        return self.root / "study.sqlite3"

    @property
    def go_on(self) -> str:
        """The command that goes on with the study, as a shell takes it."""
        return f"dato-search resume {shlex.quote(str(self.root))}"

    @property
    def cost_table(self) -> Path:
        return self.root / "cost_table.json"

    @property
    def tables(self) -> Path:
        """Cost tables of other devices; the report prices the front with each."""
        return self.root / "latency"

    @property
    def reference(self) -> Path:
        """Drift per call, and the fingerprint of the weights that it was measured on."""
        return self.root / "reference.json"

    @property
    def calibration(self) -> Path:
        """Inner products of what the calls of unpatched runs compute."""
        return self.root / "calibration.safetensors"

    @property
    def bases(self) -> Path:
        """What was measured of unpatched runs on base samplers other than the study's own."""
        return self.root / "bases"

    @property
    def features(self) -> Path:
        """Name and digest of the feature network behind the study's FIDs."""
        return self.root / "features.json"

    @property
    def inputs(self) -> Path:
        """Digests of the prompts, real images and weights that the study began with."""
        return self.root / "inputs.json"

    @property
    def reference_images(self) -> Path:
        """The unpatched model's images of the search workload."""
        return self.root / "reference.safetensors"

    @property
    def heldout_images(self) -> Path:
        """The unpatched model's images of the held-out workload."""
        return self.root / "heldout.safetensors"

    @property
    def audit(self) -> Path:
        """The members that audits have finished, and the unpatched model's images for them."""
        return self.root / "audit"

    @property
    def trials(self) -> Path:
        return self.root / "trials.json"

    @property
    def front(self) -> Path:
        return self.root / "front.json"

    @property
    def rivals(self) -> Path:
        """The unpatched model with fewer steps, as far as it was measured."""
        return self.root / "rivals.json"

    @property
    def presets(self) -> Path:
        return self.root / "presets"

    @property
    def samples(self) -> Path:
        """PNG grids: ``unpatched.png`` and ``<member name>.png``, same prompts and noise."""
        return self.root / "samples"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def jobs(self) -> Path:
        """What Slurm jobs were given, and their logs."""
        return self.root / "jobs"

    @property
    def wandb(self) -> Path:
        return self.root / "wandb"

    @classmethod
    def create(cls, root: Path) -> StudyFolder:
        """Make the folder.

        Raises:
            UserError: it cannot be made or written.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            probe = root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"The study folder {str(root)!r} cannot be written: {error.strerror}. "
                "Choose another with study.folder=PATH."
            ) from error
        return cls(root)

    @classmethod
    @contextmanager
    def made(cls, root: Path) -> Iterator[StudyFolder]:
        """Make the folder, and remove it again if nothing stays in it.

        Raises:
            UserError: it cannot be made or written.
        """
        new = [each for each in (root, *root.parents) if not os.path.exists(each)]
        try:
            yield cls.create(root)
        finally:
            for each in new:
                with suppress(OSError):  # it is not empty
                    each.rmdir()

    def forget_unfinished(self) -> None:
        """Remove what a killed process was writing. The caller holds the study's lock."""
        for folder in (self.root, self.presets, self.samples, self.wandb, self.bases):
            for path in folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)

    def forget_measurements(self) -> None:
        """Remove the measurements of a sweep that ended before its configuration was kept."""
        for path in (
            self.journal,
            self.database,
            self.cost_table,
            self.reference,
            self.calibration,
            self.features,
            self.inputs,
            self.reference_images,
            self.heldout_images,
        ):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.bases, ignore_errors=True)

    @classmethod
    def open(cls, root: Path) -> StudyFolder:
        """An existing study's folder.

        Raises:
            UserError: there is none, or something in it is a link that leads out of it.
        """
        if not (root / "config.yaml").is_file():
            raise UserError(
                f"{str(root)!r} is not a study folder (it has no config.yaml). "
                "Give the folder that a sweep printed."
            )
        refuse_links_out(root)
        return cls(root)
