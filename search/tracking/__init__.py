"""Trackers that record a study while it runs."""
