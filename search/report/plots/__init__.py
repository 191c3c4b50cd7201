"""Figures of a study, for the report and the tracker."""

from __future__ import annotations

from search.report.plots.front import front_figure, others, real_figure
from search.report.plots.lines import heldout_figure, progress_figure

__all__ = ["front_figure", "heldout_figure", "others", "progress_figure", "real_figure"]
