"""Scoring one schedule: images, their quality, and the time they take."""
