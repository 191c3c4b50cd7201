"""One of the paper's experiments: started, or gone on with, and its table beside the paper's.

python -m experiments.paper imagenet model.prompts=imagenet:classes.txt quality.real=val.npz
"""

from __future__ import annotations

from pathlib import Path

from experiments.command import command
from search.cli.main import main as dato_search
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.result import StudyResult
from search.runs.result import current_result
from search.settings.compose import load_config

PAPER = {
    "imagenet": "9x, FID -0.33",
    "coco": "7x, FID -2.17",
    "sd2": "see the paper",
    "sdxl": "see the paper",
}
"""Speed-up and change of FID to real images, arXiv 2501.00375, of its own SD 1.5 runs."""


def run(name: str, folder: Path, overrides: list[str]) -> int:
    """Start the study in ``folder`` or, where it is, go on with it; then print its table."""
    if (folder / "config.yaml").is_file():
        code = dato_search(["resume", str(folder), "--plain", *overrides])
    else:
        start = ["sweep", "--plain", f"experiment=paper/{name}", f"study.folder={folder}"]
        code = dato_search([*start, *overrides])
    if code == 0:
        study = StudyFolder.open(folder)
        print(table(name, current_result(load_config(study.config), study)))
    return code


def table(name: str, result: StudyResult) -> str:
    """The front on held-out prompts, and what the paper reports."""
    rows = [
        "| schedule | speed-up | FID to real | change of FID | images |",
        "|---|---:|---:|---:|---:|",
        f"| the paper's | {PAPER[name]} | | | |",
    ]
    base = result.baseline
    members = (*((base,) if base else ()), *result.front)
    return "\n".join((f"On {result.device}:", "", *rows, *(_row(each, base) for each in members)))


def _row(member: FrontMember, base: FrontMember | None) -> str:
    quality = member.heldout
    if quality is None:
        return f"| {member.name} | {_times(member)} | not audited | | |"
    change = quality.fid_real - base.heldout.fid_real if base and base.heldout else float("nan")
    fid = f"{quality.fid_real:.2f} | {change:+.2f}"
    return f"| {member.name} | {_times(member)} | {fid} | {quality.images} |"


def _times(member: FrontMember) -> str:
    speedup = member.timed_speedup or member.priced_speedup
    return "" if speedup is None else f"{speedup:.2f}x"


def main() -> int:
    parser = command(__doc__)
    parser.add_argument("name", choices=tuple(PAPER))
    parser.add_argument("--folder", type=Path, help="default: studies/paper-NAME")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides")
    options = parser.parse_args()
    folder = options.folder or Path("studies") / f"paper-{options.name}"
    return run(options.name, folder, options.overrides)


if __name__ == "__main__":
    raise SystemExit(main())
