"""Colours by the role that a trace's ``meta`` names. The page's script sets its own."""

from __future__ import annotations

COLOURS = {
    "trial": "#9a9ea6",
    "pruned": "#9a9ea6",
    "failed": "#c2702d",
    "front": "#0f766e",
    "baseline": "#555a62",
    "rival": "#8a5a9e",
    "guide": "#9a9ea6",
}
"""Colours that work on light and dark, for viewers without the page's script."""
