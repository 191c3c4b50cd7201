"""What a person sees during a sweep: a progress bar, or plain lines when piped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from search.launch.view import View
from search.record import TrialRecord
from search.settings import Config
from search.study.budget import Budget, Spent
from search.table import summary


def describe(record: TrialRecord, objective: str) -> str:
    """One line for one trial."""
    head = f"trial {record.number:>3} {record.state:<8}"
    if record.state == "fail" or record.schedule is None:
        return f"{head} {record.reason}"
    speed = f"{record.speedup:5.2f}x" if record.speedup else ""
    fid = "" if record.quality is None else f"FID {getattr(record.quality, objective):6.2f}"
    distance = "" if record.distance is None else f"distance {record.distance:.4f}"
    return f"{head} {speed}  {fid:<11} {distance:<16} {summary(record.schedule)}".rstrip()


class Lines:
    """Stages as plain lines, where there are no trials."""

    def stage(self, text: str) -> None:
        print(text, flush=True)

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        raise NotImplementedError("only a sweep has trials")


class PlainView:
    """One line per event."""

    def __init__(self, config: Config) -> None:
        self._objective = config.quality.objective
        self._budget = Budget.of(config.budget)

    def stage(self, text: str) -> None:
        print(text, flush=True)

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        of = f"/{self._budget.trials}" if self._budget.trials else ""
        share = "" if of else f" {self._budget.share(spent):.0%}"
        line = describe(record, self._objective)
        print(f"[{spent.trials}{of}]{share} {line}", flush=True)


class BarView:
    """A bar with the time left; trials scroll above it."""

    def __init__(self, config: Config, progress: Progress) -> None:
        self._objective = config.quality.objective
        self._budget = Budget.of(config.budget)
        self._progress = progress
        self._task = progress.add_task("starting", total=1.0, used="")

    def stage(self, text: str) -> None:
        self._progress.update(self._task, description=text)

    def trial(self, record: TrialRecord, spent: Spent) -> None:
        self._progress.console.print(
            describe(record, self._objective), highlight=False, markup=False
        )
        self._progress.update(
            self._task, completed=self._budget.share(spent), used=self._budget.describe(spent)
        )


def wide_console() -> Console:
    """The terminal's width, or enough for a table where there is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 130)


@contextmanager
def make_view(config: Config, *, plain: bool) -> Iterator[View]:
    """A bar on a terminal, plain lines otherwise."""
    if plain or not sys.stdout.isatty():
        yield PlainView(config)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    used = TextColumn("{task.fields[used]}")
    with Progress(*columns, used, TimeRemainingColumn(), console=Console()) as progress:
        yield BarView(config, progress)
