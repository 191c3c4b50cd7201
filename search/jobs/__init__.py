"""Whole trials in Slurm jobs that share a study."""
