"""The last lines of a sweep: what was found, where it is, and what comes next."""

from __future__ import annotations

import shlex
from pathlib import Path

from dato.pocket.names import FOLDERS
from search.records.findings import findings
from search.records.folder import StudyFolder
from search.records.headline import headline
from search.records.names import slug
from search.records.result import StudyResult
from search.records.rivals import exported
from search.records.undecided import MORE, undecided
from search.settings import Config

PROMPT = "a red circle left of a blue square on a white background"


def closing_lines(result: StudyResult, folder: StudyFolder, config: Config) -> list[str]:
    """In words, and with commands as a shell takes them."""
    lines = ["", *findings(result), "", f"Study folder: {folder.root}"]
    lines += [f"  presets:    {folder.presets}", f"  report:     {folder.report}"]
    if config.tracker.kind == "wandb":
        lines.append(f"  W&B run:    {folder.wandb}")
    preset = best_preset(result, folder, config)
    lines += ["", "What comes next:"]
    lines.append(f"  look:       {shlex.join(['python', '-m', 'webbrowser', str(folder.report)])}")
    lines += _judge(result, folder)
    if preset is None:
        return [*lines, f"  search on:  {folder.go_on} budget.trials={2 * len(result.records)}"]
    prompt = PROMPT if config.model.prompts == "pocket" else "YOUR PROMPT"
    generate = ["dato-search", "generate", "--preset", str(preset), "--compare", "--prompt", prompt]
    lines.append(f"  generate:   {shlex.join([*generate, '--out', 'grid.png', *_model(config)])}")
    ship = ["dato-search", "export", str(folder.root), "--out", "my-presets"]
    return [*lines, f"  ship:       {shlex.join(ship)}"]


def best_preset(result: StudyResult, folder: StudyFolder, config: Config) -> Path | None:
    """The preset that the findings are about, else another one; ``None`` where none was written."""
    members = exported(result, config.export.dominated)
    if not members:
        return None
    first = headline(result).subject
    ordered = sorted(members, key=lambda member: first is None or member.name != first.name)
    paths = [folder.presets / f"{slug(member.name)}.json" for member in ordered]
    return next((path for path in paths if path.is_file()), None)


def _judge(result: StudyResult, folder: StudyFolder) -> list[str]:
    """How to learn of a faster member whether it is no worse; nothing where none may be."""
    member = undecided(result)
    if member is None or member.heldout is None:
        return []
    audit = ["dato-search", "audit", str(folder.root), "--members", member.name]
    return [f"  judge:      {shlex.join([*audit, '--images', str(MORE * member.heldout.images)])}"]


def _model(config: Config) -> list[str]:
    """Settings without which the commands would run another model, or elsewhere."""
    model = config.model
    if model.path in FOLDERS:
        return []  # its presets name it
    names = ("path", "weights", "architecture", "device", "dtype", "batch_size")
    values = [(name, getattr(model, name)) for name in names]
    return ["model=custom", *(f"model.{name}={value}" for name, value in values if value)]
