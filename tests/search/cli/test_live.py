"""The live board: it fits its terminal, says what a person waits for, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import threading
from contextlib import nullcontext
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from dato import Kind, Schedule
from search.cli.board import Board, seconds_left
from search.cli.scatter import scatter
from search.cli.sweep_watchers import LiveWatcher, PlainWatcher, make_watcher
from search.records.quality import Quality
from search.records.record import TrialRecord
from search.settings import Config
from search.settings.compose import compose_config
from search.study.budget import Budget, Spent

CONTROL = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")


def trial(number: int, interval: int) -> TrialRecord:
    """Every ``interval``-th call is full; a longer interval is faster and worse."""
    steps = tuple("full" if call % interval == 0 else "reuse" for call in range(50))
    kinds = {"full": Kind("full"), "reuse": Kind(0)}
    schedule = Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, steps)
    fid = float((interval - 1) ** 2)
    return TrialRecord(
        number, "complete", "sampler", {}, schedule, 1.0 / interval, float(interval), 0.1,
        Quality(fid, fid, 0.1, 8), seconds=10.0, images=8,
    )  # fmt: skip


def failed(number: int, reason: str) -> TrialRecord:
    return replace(trial(number, 2), state="fail", quality=None, reason=reason)


def lines(board: Board, width: int, height: int = 30) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
    with console.capture() as capture:
        console.print(board)
    return re.sub(r"\x1b\[[\d;]*m", "", capture.get()).splitlines()


def board(records: list[TrialRecord], seconds: float = 0.0) -> Board:
    return Board("searching", seconds, Budget(trials=40), "fid_real", records, searching=True)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [8, 12, 24, 60])
def test_it_fits(width: int, height: int) -> None:
    records = [trial(number, 1 + number) for number in range(16)]
    records += [failed(16 + number, f"reason {number} " + "x" * 150) for number in range(5)]
    shown = lines(board(records), width, height)
    assert max(map(cell_len, shown)) <= width
    assert len(shown) < height


@pytest.mark.parametrize("width", [60, 120])
def test_it_says_how_far_what_was_found_and_what_failed(width: int) -> None:
    records = [*(trial(number, 1 + number) for number in range(8)), failed(8, "NaN in images")]
    text = "\n".join(lines(board([*records, failed(9, "NaN in images")]), width))
    assert "10 of 40 trials, about 5m left" in text
    assert "front (7)" in text
    assert "speedup-8.0x" in text
    assert "49.00" in text
    assert "125" in text  # ms
    assert "2 failed: NaN in images" in text
    assert ("█▁▁" in text) == (width == 120)


def test_the_time_left_follows_the_nearest_limit_and_runs_down_between_trials() -> None:
    spent = Spent(trials=10, images=80, calls=0.0, seconds=100.0)
    assert seconds_left(Budget(trials=40), spent, 0) == pytest.approx(300)
    assert seconds_left(Budget(trials=40, images=160), spent, 4) == pytest.approx(96)
    assert seconds_left(Budget(trials=10), spent, 4) == 0
    assert seconds_left(Budget(trials=40), Spent(0, 0, 0.0, 0.0), 4) is None


def test_before_the_first_trial_it_shows_the_stage_and_its_time() -> None:
    assert lines(Board("timing kinds", 83.0, Budget(trials=4), "fid_real"), 60)[1:] == [
        "timing kinds  1m23s"
    ]


def test_the_scatter_puts_fast_right_and_bad_up() -> None:
    rows = scatter([(2.0, 50.0)], [(1.0, 0.0), (8.0, 99.0)], 40, 10).plain.splitlines()
    assert rows[0].endswith("●")
    assert rows[0].startswith("   99")
    assert rows[7].split("│")[1].startswith("●")
    assert sum(row.count("·") for row in rows) == 1
    assert scatter([], [], 40, 10).plain == ""


class Terminal:
    """Standard output as a terminal of 100 columns; afterwards, what was sent to it."""

    def __init__(self, kind: str = "xterm") -> None:
        self._kind, self.sent = kind, b""

    def __enter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        self._reader = threading.Thread(target=self._collect)
        self._reader.start()
        self._patch = pytest.MonkeyPatch()
        for name, value in {"TERM": self._kind, "COLUMNS": "100", "LINES": "24"}.items():
            self._patch.setenv(name, value)
        self._out = open(slave, "w", encoding="utf-8")
        self._patch.setattr(sys, "stdout", self._out)
        return self

    def _collect(self) -> None:
        while not self.sent.endswith(b"\0"):
            self.sent += os.read(self._master, 1 << 16)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        self._out.write("\0")
        self._out.flush()
        self._reader.join()
        self._out.close()
        os.close(self._master)

    @property
    def text(self) -> str:
        return self.sent.decode().rstrip("\0")

    @property
    def screen(self) -> list[str]:
        """The lines that stand there in the end."""
        screen, row = [""], 0
        for match in CONTROL.finditer(self.text):
            count, code = match[1], match[2]
            if code == "A":
                row = max(row - int(count or 1), 0)
            elif code == "K":
                screen[row] = ""
            elif match[0] == "\n":
                row += 1
                screen += [""] * (row + 1 - len(screen))
            elif code is None and match[0] != "\r":
                screen[row] += match[0]
        return [line for line in screen if line.strip()]


@pytest.fixture
def config() -> Config:
    return compose_config(["quality.objective=fid_real", "budget.trials=4"])


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt, ValueError])
def test_only_the_trials_stay_on_the_screen(
    config: Config, ending: type[BaseException] | None
) -> None:
    expected = pytest.raises(ending) if ending else nullcontext()
    with Terminal() as terminal, expected, make_watcher(config, plain=False) as watcher:
        assert isinstance(watcher, LiveWatcher)
        watcher.stage("timing kinds")
        watcher.search([trial(0, 1)])
        for number in (1, 2):
            record = trial(number, 2 + number)
            watcher.trial(record, Spent.by([record]))
        if ending is not None:
            raise ending
    assert [line.split()[:3] for line in terminal.screen] == [
        ["trial", "1", "complete"],
        ["trial", "2", "complete"],
    ]
    assert "3 of 4 trials" in terminal.text
    hidden, shown = terminal.text.rindex("\x1b[?25l"), terminal.text.rindex("\x1b[?25h")
    assert hidden < shown  # the cursor is back
    assert "\x1b[2J" not in terminal.text  # clearing the screen would flicker


def test_without_a_terminal_there_are_plain_lines(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    with make_watcher(config, plain=False) as watcher:
        assert isinstance(watcher, PlainWatcher)
        watcher.search([])
        record = trial(0, 4)
        watcher.trial(record, Spent.by([record]))
    out = capsys.readouterr().out
    assert out.startswith("searching\n[1/4] trial   0 complete")
    assert "\x1b" not in out


def test_a_dumb_terminal_has_plain_lines(config: Config) -> None:
    with Terminal("dumb"), make_watcher(config, plain=False) as watcher:
        assert isinstance(watcher, PlainWatcher)
