"""Tuning samplers."""
