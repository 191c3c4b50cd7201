"""A front in a terminal: one line for each preset, whatever the width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table

from search.metrics import metric
from search.records.result import StudyResult
from search.report.front_columns import Column, Line, front_columns, front_lines

RIVAL, BETTER = "\N{WHITE CIRCLE} ", "\N{DAGGER}"
"""Before the name of a rival; after that of a member which something else dominates."""

READING = "Compare each line with the unpatched one, within one column: a lower FID is better."


@dataclass(frozen=True)
class FrontTable:
    """The front, slowest first, under the unpatched pipeline and over its rivals.

    Columns that a terminal has no room for give way, and the caption names them.
    """

    result: StudyResult

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines, every = front_lines(self.result), front_columns(self.result)
        columns = fitting(lines, every, options.max_width)
        table = Table(
            title=f"Front of {escape(self.result.name)}", title_justify="left", box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0), caption_justify="left", show_edge=False,
        )  # fmt: skip
        names, *widths, _ = _widths(lines, columns)
        table.add_column("preset", no_wrap=True, min_width=min(names, options.max_width // 2))
        for column, width in zip(columns, widths, strict=True):
            heading = "\n".join(map(escape, filter(None, (column.title, column.images))))
            table.add_column(heading, justify="right", no_wrap=True, min_width=width)
        table.add_column("calls", no_wrap=True, overflow="ellipsis")
        for place, line in enumerate(lines):
            if line.rival and not lines[place - 1].rival:
                table.add_section()
            cells = (column.text(line.member) for column in columns)
            table.add_row(escape(_name(line)), *cells, escape(line.calls))
        left_out = [each for each in every if each.title not in {x.title for x in columns}]
        table.caption = escape("\n".join(_notes(self.result, lines, columns, left_out)))
        yield table


def front_table(result: StudyResult) -> FrontTable:
    """The front for a terminal."""
    return FrontTable(result)


def fitting(lines: Sequence[Line], columns: Sequence[Column], width: int) -> tuple[Column, ...]:
    """The columns that leave room for the calls: the least important give way, then intervals,
    then what else can."""
    shown = list(columns)
    for step in (1, "brief", 2, 3):
        while _width(lines, shown) > width:
            weak = [column for column in shown if column.keep == step]
            if step == "brief":
                shown = [column.brief for column in shown]
                break
            if not weak:
                break
            shown.remove(weak[-1])
    return tuple(shown)


def _width(lines: Sequence[Line], columns: Sequence[Column]) -> int:
    """Characters of a table, each column with two spaces after it."""
    return sum(width + 2 for width in _widths(lines, columns))


def _widths(lines: Sequence[Line], columns: Sequence[Column]) -> list[int]:
    """Characters of the names, of each column, and of the calls."""
    cells = [
        ["preset", *map(_name, lines)],
        *([x.title, x.images, *(x.text(line.member) for line in lines)] for x in columns),
        ["calls", *(line.calls for line in lines)],
    ]
    return [max(map(len, texts)) for texts in cells]


def _name(line: Line) -> str:
    mark = BETTER if line.better else ""
    return f"{RIVAL if line.rival else ''}{line.member.name}{mark}"


def _notes(
    result: StudyResult,
    lines: Sequence[Line],
    columns: Sequence[Column],
    left_out: Sequence[Column],
) -> Iterator[str]:
    yield READING
    if told := feasibility(result):
        yield told
    if any(line.rival for line in lines):
        yield f"{RIVAL}is a rival: the unpatched model with fewer steps."
    cells = (column.text(line.member) for line in lines for column in columns)
    if any(cell.startswith("~") for cell in cells):
        yield "~ is predicted by the cost table, not timed end to end."
    for better in dict.fromkeys(line.better for line in lines if line.better):
        names = ", ".join(line.member.name for line in lines if line.better == better)
        yield f"{BETTER} {better} is no slower and no worse than {names}."
    if left_out:
        names = ", ".join(dict.fromkeys(column.title for column in left_out))
        yield f"No room for {names}: widen the terminal, or see the report."
    if not result.front:
        yield "The front is empty."


def feasibility(result: StudyResult) -> str:
    """A sentence on the study's constraints and how many trials keep them; ``""`` without any."""
    bounds = result.config.get("constraints")
    names = {"speedup": "speed-up", "fid": "FID"}
    limits = [
        f"{names.get(key) or metric(key).title} {bound}"
        for key, bound in (bounds.items() if isinstance(bounds, Mapping) else ())
        if bound
    ]
    if not limits:
        return ""
    complete = [record for record in result.records if record.state == "complete"]
    kept = sum(record.feasible for record in complete)
    return f"Only schedules with {' and '.join(limits)}: {kept} of {len(complete)} complete trials."
