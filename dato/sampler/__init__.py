"""What a scheduler does between a denoiser's calls; skipped calls become part of it."""
