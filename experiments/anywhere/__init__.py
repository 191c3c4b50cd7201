"""Presets in other runtimes."""
