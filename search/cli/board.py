"""The board that a terminal shows below the trials while a sweep runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.cli.scatter import scatter
from search.metrics import FIDS, metric
from search.records.front import FrontMember
from search.records.progress import metric_value
from search.records.record import TrialRecord
from search.records.schedule_text import brief_calls, strip
from search.report.cells import metric_text
from search.settings.duration import duration_text
from search.study.budget import Budget, Spent
from search.study.front_choice import front_of, spread

WIDE = 100
"""Columns from which the scatter stands beside the front."""
SCATTER = 34
"""Columns of the scatter. In 120 columns a strip of 50 calls fits beside it."""
REASONS = 3
"""How many reasons of failures are shown."""


@dataclass(frozen=True)
class Board:
    """A sweep at one moment.

    Args:
        stage: what is being done; ``seconds``: for how long.
        budget, objective: of the study.
        records: all finished trials of the study, with those of earlier runs.
        searching: whether trials run. Only then is a remaining time shown.
    """

    stage: str
    seconds: float
    budget: Budget
    objective: str
    records: Sequence[TrialRecord] = ()
    searching: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text()
        yield self._head(options.max_width)
        failures = self._failures()
        front = front_of(self.records, self.objective)
        room = console.height - 7 - len(failures)
        if front and room >= 3:
            yield self._front(front, options.max_width, min(room, 12))
        yield from failures

    def _head(self, width: int) -> RenderableType:
        spent = Spent.by(self.records)
        text = Text(self.stage, "bold", no_wrap=True, overflow="ellipsis")
        if not self.records:
            text.append(f"  {duration_text(self.seconds)}", "not bold dim")
            return text
        text.append(f"  {self.budget.describe(spent)}", "not bold")
        left = seconds_left(self.budget, spent, self.seconds) if self.searching else None
        text.append(
            f", {duration_text(self.seconds)}" if left is None else f", about {_rough(left)} left",
            "not bold dim",
        )
        share = self.budget.share(spent)
        bar = Table.grid()  # a bar alone ends without a new line
        bar.add_row(
            ProgressBar(total=1.0, completed=share, width=width - 1, complete_style="green")
        )
        return Group(text, bar)

    def _front(self, front: Sequence[FrontMember], width: int, rows: int) -> RenderableType:
        shown = [front[index] for index in spread(front, rows)]
        if width < WIDE or self.objective not in FIDS:  # the scatter's scale is an FID's
            return self._table(front, shown, width)
        table_width = width - SCATTER - 2
        points = [
            (record.speedup, value)
            for record in self.records
            if record.speedup
            and (value := metric_value(record.quality, self.objective)) is not None
        ]
        members = [
            (
                member.record.speedup or 1.0,
                metric_value(member.record.quality, self.objective) or 0.0,
            )
            for member in front
        ]
        picture = scatter(points, members, SCATTER, max(len(shown) + 1, 7))
        both = Table.grid(padding=(0, 1))
        both.add_row(self._table(front, shown, table_width), picture)
        return both

    def _table(
        self, front: Sequence[FrontMember], shown: Sequence[FrontMember], width: int
    ) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), width=width, header_style="dim")
        some = "" if len(shown) == len(front) else f"{len(shown)} of "
        table.add_column(f"front ({some}{len(front)})", no_wrap=True)
        asked = metric(self.objective)
        table.add_column(asked.label, justify="right", no_wrap=True)
        table.add_column("ms", justify="right", no_wrap=True)
        table.add_column("calls", no_wrap=True, overflow="ellipsis", ratio=1)
        for member in shown:
            record, schedule = member.record, member.record.schedule
            alone = schedule is not None and record.base is None
            fits = schedule is not None and alone and schedule.calls <= width - 34
            calls = strip(schedule) if fits and schedule is not None else brief_calls(record)
            table.add_row(
                Text(member.name, "green"),
                metric_text(metric_value(record.quality, self.objective), asked),
                f"{1000 * (record.latency_s or 0.0):.0f}",
                calls,
            )
        return table

    def _failures(self) -> list[Text]:
        counts = Counter(record.reason for record in self.records if record.outcome == "fail")
        lines = [
            Text.assemble((f"{count} failed: ", "red"), reason, no_wrap=True, overflow="ellipsis")
            for reason, count in counts.most_common(REASONS)
        ]
        if len(counts) > REASONS:
            lines.append(Text(f"and {len(counts) - REASONS} other reasons", "dim"))
        return lines


def seconds_left(budget: Budget, spent: Spent, since: float) -> float | None:
    """Seconds until the nearest limit, at the pace of all trials so far; ``None`` before any trial
    took time.

    Args:
        since: seconds that the present trial has run.
    """
    share = budget.share(spent)
    if share <= 0 or spent.seconds <= 0:
        return None
    return max(spent.seconds * (1 - share) / share - since, 0.0)


def _rough(seconds: float) -> str:
    """A guess with two digits: rounded to 5 seconds, from two minutes on to whole minutes."""
    grain = 5 if seconds < 120 else 60
    return duration_text(max(grain * round(seconds / grain), grain))
