"""What comes out of ``experiment=everyday``: DPM-Solver++ 2M, 20 and 25 steps, guidance 4 and 2.

python -m experiments.everyday --studies studies/everyday

Runs the sweeps that the folder does not hold yet, goes on with those that were interrupted, and
writes the records that are beside this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from experiments.command import command, parsed
from experiments.everyday.table import save
from search.cli.main import main as dato_search

STEPS, SCALES = (20, 25), (4, 2)


@dataclass(frozen=True)
class Setting:
    """One sweep."""

    steps: int
    scale: int

    @property
    def name(self) -> str:
        return f"{self.steps}-steps-scale-{self.scale}"

    def sweep(self, folder: Path) -> None:
        """Run the sweep, or go on with it. A finished one is left as it is."""
        if (folder / "front.json").is_file():
            return
        if (folder / "config.yaml").is_file():
            code = dato_search(["resume", str(folder), "--plain"])
        else:
            code = dato_search(["sweep", "--plain", *self.overrides(folder)])
        if code:
            raise SystemExit(code)

    def overrides(self, folder: Path) -> Iterator[str]:
        """What differs from the shipped experiment."""
        yield "experiment=everyday"
        yield f"model.num_inference_steps={self.steps}"
        yield f"model.guidance_scale={self.scale}"
        yield f"study.name=everyday-{self.name}"
        yield f"study.folder={folder}"
        yield "launcher=serial"
        yield "tracker=none"


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--studies", type=Path, required=True, help="folder of the four studies")
    parser.add_argument("--only", nargs="*", default=None, help="such as 20-steps-scale-4")
    options = parsed(parser)
    settings = [Setting(steps, scale) for steps, scale in product(STEPS, SCALES)]
    for setting in settings:
        if options.only is None or setting.name in options.only:
            setting.sweep(options.studies / setting.name)
    save({setting.name: options.studies / setting.name for setting in settings})


if __name__ == "__main__":
    main()
