"""Tuning samplers by gradient."""
