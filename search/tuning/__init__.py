"""Tuned samplers: timesteps and weights by least squares, over the pipeline's own runs."""
