"""Tuned samplers: timesteps and weights by gradient, through the pipeline's own run."""
