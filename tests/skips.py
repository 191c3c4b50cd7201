"""In CI a test that is skipped is an exception, and exceptions are listed here."""

from __future__ import annotations

import re

import pytest

ALLOWED = (
    # What a runner without an accelerator cannot do.
    "needs a CUDA device",
    # Extras that nobody installs for the tests.
    r"needs ray \(",
    r"needs submitit|could not import 'submitit'|No module named 'submitit'",
    r"could not import 'DeepCache'|No module named 'DeepCache'",
    r"could not import 'tomesd'|No module named 'tomesd'",
    r"could not import 'k_diffusion",
    # In no registry; `integrations/comfyui/README.md` says how the node was run.
    r"could not import 'comfy",
    r"needs the extra fid|needs torch-fidelity's Inception weights",
    r"torchmetrics' LPIPS needs torchvision",
    # The same tests the other way round: what is said where an extra is missing.
    r"torch-fidelity is installed|torchvision is installed",
    # What containers forbid.
    "a file system of its own needs root",
    "this kernel lets nobody make a network namespace",
    r"needs unshare \(util-linux\)",
    "needs Slurm's daemons",
    # Cases of a table that have no meaning.
    "its guidance is not linear",
    "the sampler itself makes tensors",
    "a .pgm file is grey",
    "not monotone in damage",
    "one process has no workers",
    "this machine has one",
)
"""Patterns of reasons. No browser and no PostgreSQL are none: ``.ci/run`` installs them."""


def unlisted(reasons: dict[str, str]) -> dict[str, str]:
    """Those of the skipped tests, by name, whose reason is not on the list."""
    return {
        test: reason
        for test, reason in reasons.items()
        if not any(re.search(pattern, reason) for pattern in ALLOWED)
    }


class NoOtherSkips:
    """A plugin that fails a session in which a test was skipped for a reason that is not listed."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if (
            report.skipped
            and not hasattr(report, "wasxfail")
            and isinstance(report.longrepr, tuple)
        ):
            self._reasons[report.nodeid] = str(report.longrepr[2])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if unlisted(self._reasons) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test, reason in unlisted(self._reasons).items():
            terminalreporter.write_line(
                f"Skipped in CI, and not on the list of tests/skips.py: {test}: {reason}", red=True
            )
