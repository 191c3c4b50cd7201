"""``explain`` says what a preset does and costs, ``diff`` where two presets differ."""

from __future__ import annotations

import argparse
import json
from collections import Counter

from rich.markup import escape
from rich.table import Table

from dato import Preset, Schedule, Topology, load_preset
from dato.preset.words import (
    guidance_words,
    measured_fid,
    prunes,
    recomputes,
    rest,
    sampler_words,
    sentences,
)
from search.cli.console import wide_console
from search.latency.cost_file import load_cost_table
from search.latency.cost_table import CostTable
from search.records.schedule_text import legend, pruning, strip, summary


def explain(options: argparse.Namespace) -> int:
    """Print the strip, the kinds with what they cost, and what was measured."""
    preset = load_preset(options.preset)
    console = wide_console()
    for line in _head(preset):
        console.print(line, highlight=False, soft_wrap=True)
    prices = None if options.table is None else _prices(preset, options)
    console.print(_kinds(preset.schedule, prices))
    if prices is not None:
        over = f"{prices.speedup:.2f}x over {preset.schedule.calls} full calls"
        console.print(f"Predicted by {escape(str(options.table))}: {over}")
    console.print(escape(_measured(preset)), highlight=False, soft_wrap=True)
    return 0


def _head(preset: Preset) -> tuple[str, ...]:
    model, sampler = preset.model, preset.sampler
    height, width = model.latent_size
    return (
        f"[bold]{escape(preset.name)}[/bold] for {escape(model.id)}",
        f"{escape(sampler_words(sampler))}, {sampler.num_inference_steps} steps, "
        f"{guidance_words(sampler)}, latents {height} x {width}",
        f"{strip(preset.schedule)}  {summary(preset.schedule)}",
        f"[dim]{escape(legend(preset.schedule))}[/dim]",
        *sentences(preset.schedule, sampler),
    )


def diff(options: argparse.Namespace) -> int:
    """Print a summary, then a line for each difference. The exit code is 1 if there are any."""
    left, right = (load_preset(name) for name in (options.left, options.right))
    differences = left.diff(right)
    if differences:
        print(_difference(left, right))
    for each in differences:
        print(f"{each.path}: {json.dumps(each.left)} -> {json.dumps(each.right)}")
    if not differences:
        print("The presets are equal.")
    return 1 if differences else 0


def _difference(left: Preset, right: Preset) -> str:
    """The difference in one line: of the calls, and of what was measured."""
    kinds = [
        [each.schedule.kind(call) for call in range(each.schedule.calls)] for each in (left, right)
    ]
    if len(kinds[0]) != len(kinds[1]):
        calls = f"{len(kinds[0])} and {len(kinds[1])} calls"
    else:
        count = sum(one != other for one, other in zip(*kinds, strict=True))
        calls = f"{count} of {len(kinds[0])} calls differ" if count else "the same calls"
        if left.schedule.slope != right.schedule.slope:
            calls += " and other slopes" if count else " with other slopes"
        if left.schedule.tuned != right.schedule.tuned:
            calls += " at other tuned timesteps or with other weights"
    return f"{calls}; {_gist(left)} -> {_gist(right)}"


def _gist(preset: Preset) -> str:
    speed = "not measured" if preset.measured is None else f"{preset.measured.speedup:.2f}x"
    return f"{preset.name} ({speed}: {summary(preset.schedule)}, {pruning(preset.schedule)})"


class _Prices:
    """Seconds per image that a cost table gives for a whole run, and for one call of each kind."""

    def __init__(self, table: CostTable, schedule: Schedule, topology: Topology) -> None:
        self.total = table.price(schedule, topology)
        self.speedup = table.price(Schedule.full(schedule.calls), topology) / self.total
        self.call = {
            name: table.price_call(kind, topology, schedule.tokens)
            for name, kind in schedule.kinds.items()
        }


def _prices(preset: Preset, options: argparse.Namespace) -> _Prices:
    table = load_cost_table(options.table)
    topology = table.work.topology
    topology.check(preset.schedule)
    return _Prices(table, preset.schedule, topology)


def _kinds(schedule: Schedule, prices: _Prices | None) -> Table:
    table = Table()
    for column in ("kind", "recomputes", "the rest is", "prunes"):
        table.add_column(column)
    for column in ("calls", *([] if prices is None else ["ms/call", "share of time"])):
        table.add_column(column, justify="right")
    counts = Counter(schedule.steps)
    for name, kind in schedule.kinds.items():
        words = (name, recomputes(kind), rest(kind), prunes(kind))
        cells = [*map(escape, words), str(counts[name])]
        if prices is not None:
            seconds = prices.call[name]
            share = counts[name] * seconds / prices.total
            cells += [f"{1e3 * seconds:.2f}", f"{share:.0%}"]
        table.add_row(*cells)
    return table


def _measured(preset: Preset) -> str:
    measured = preset.measured
    if measured is None:
        return "Not measured."
    origin = preset.provenance
    source = f", trial {origin.trial} of {origin.study}" if origin.study else ""
    return (
        f"Measured on {measured.device}{source}: {measured.speedup:.2f}x "
        f"({1e3 * measured.latency_s:.4g} ms, unpatched {1e3 * measured.baseline_latency_s:.4g} "
        f"ms), {measured_fid(measured)}"
    )
