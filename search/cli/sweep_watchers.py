"""What a person sees during a sweep: a live board on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from search.cli.board import Board
from search.metrics import metric
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.records.schedule_text import calls_of, pruning
from search.report.cells import metric_text
from search.settings import Config
from search.study.budget import Budget, Spent
from search.study.watching import SweepWatcher

STYLES: Mapping[str, str] = {"pruned": "dim", "fail": "red"}


def describe(record: TrialRecord, objective: str) -> str:
    """One line for one trial."""
    head = f"trial {record.number:>3} {record.state:<8}"
    if record.state == "fail" or record.schedule is None:
        return f"{head} {record.reason}"
    calls = f"{calls_of(record)}, {pruning(record.schedule)}"
    speed = f"{record.speedup:5.2f}x" if record.speedup else ""
    fid = "" if record.quality is None else _value(record.quality, objective)
    distance = "" if record.distance is None else f"distance {record.distance:.4f}"
    return f"{head} {speed}  {fid:<11} {distance:<16} {calls}".rstrip()


def _value(quality: Quality, objective: str) -> str:
    asked, value = metric(objective), quality.value(objective)
    return "" if value is None else f"{asked.label} {metric_text(value, asked)}"


class PlainWatcher:
    """One line per event."""

    def __init__(self, config: Config) -> None:
        self._objective = config.quality.objective
        self._budget = Budget.of(config.budget)

    def stage(self, text: str) -> None:
        print(text, flush=True)

    def search(self, earlier: Sequence[TrialRecord]) -> None:
        self.stage("searching")

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        limit = self._budget.trials
        of = f"/{limit}" if limit and spent.trials <= limit else ""
        share = "" if limit else f" {self._budget.share(spent):.0%}"
        line = describe(record, self._objective)
        print(f"[{spent.trials}{of}]{share} {line}", flush=True)


class LiveWatcher:
    """Trials scroll above a board with the remaining time, the front and the failures.

    Args:
        console: a terminal.
        clock: seconds from any start.
    """

    def __init__(
        self, config: Config, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._objective = config.quality.objective
        self._budget = Budget.of(config.budget)
        self._console, self._clock = console, clock
        self._records: tuple[TrialRecord, ...] = ()
        self._stage, self._since, self._searching = "starting", clock(), False

    def board(self) -> Board:
        """What to show now."""
        return Board(
            stage=self._stage,
            seconds=self._clock() - self._since,
            budget=self._budget,
            objective=self._objective,
            records=self._records,
            searching=self._searching,
        )

    def stage(self, text: str) -> None:
        self._stage, self._since, self._searching = text, self._clock(), False

    def search(self, earlier: Sequence[TrialRecord]) -> None:
        self.stage("searching")
        self._records, self._searching = tuple(earlier), True

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        self._records, self._since = (*self._records, record), self._clock()
        line = Text(describe(record, self._objective), STYLES.get(record.state, ""))
        self._console.print(line, no_wrap=True, overflow="ellipsis", highlight=False)


@contextmanager
def make_watcher(config: Config, *, plain: bool) -> Iterator[SweepWatcher]:
    """A live board on a terminal, plain lines otherwise.

    The board disappears afterwards, also after an error or an interruption. The trials' lines stay.
    """
    console = Console()
    if plain or not sys.stdout.isatty() or console.is_dumb_terminal:
        yield PlainWatcher(config)
        return
    watcher = LiveWatcher(config, console)
    with Live(get_renderable=watcher.board, console=console, transient=True, refresh_per_second=2):
        yield watcher
