"""``cost-table``: measure a cost table and keep it for many studies."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from search.cli.commands.measuring import EARLIER
from search.cli.places import check_file_place
from search.latency.cost_table import CostTable
from search.model.prompts import make_workloads
from search.preparation.bench import Bench
from search.preparation.cost_table import checked, measured_table
from search.preparation.largest_batch import automatic_batch
from search.records.folder import StudyFolder
from search.settings.compose import compose_config
from search.space import load_space
from search.study.watching import PlainStages
from search.workers.open_pool import model_config, open_pool

FOLDER = Path("latency")


def cost_table(options: argparse.Namespace) -> int:
    """Measure, check and write one table."""
    if options.command == EARLIER:
        print(f"'dato-search {EARLIER}' is now called 'cost-table'.", file=sys.stderr)
    check_file_place("--out", options.out or FOLDER / "table.json")
    overrides = list(options.overrides)
    if not any(override.startswith("latency=") for override in overrides):
        overrides.insert(0, "latency=careful")
    config = compose_config(overrides, automatic_batch)
    watcher = PlainStages()
    batch = config.model.batch_size
    workload, _ = make_workloads(
        config.model.prompts, images=batch, heldout_images=batch, seed=config.study.seed
    )
    watcher.stage("loading the model")
    one = config.launcher.model_copy(update={"workers": 1})
    with open_pool(one, model_config(config.model), workload, None) as pool:
        bench = Bench(config, load_space(config.space), StudyFolder(FOLDER), pool, watcher)
        table = checked(measured_table(bench), bench)
    path: Path = options.out or FOLDER / f"{table.name}.json"
    table.save(path)
    print(_summary(table))
    print(path)
    return 0


def _summary(table: CostTable) -> str:
    full = table.depth_s["full"]
    depths = ", ".join(
        f"{depth}: {seconds / full:.1%}"
        for depth, seconds in table.depth_s.items()
        if depth != "full"
    )
    lines = [
        f"{table.place.label}: a full call takes {1000 * full:.2f} ms per image",
        f"  share of it by depth: {depths}",
    ]
    if table.check is not None:
        check = table.check
        lines.append(
            f"  error on {check.schedules} random schedules: median {check.median:.1%}, worst "
            f"{check.worst:.1%} (the timing's own spread: {check.noise:.1%})"
        )
    return "\n".join(lines)
