"""Trackers that record a study while it runs."""

from __future__ import annotations

from search.tracking.make import make_tracker
from search.tracking.tracker import NullTracker, Tracker

__all__ = ["NullTracker", "Tracker", "make_tracker"]
