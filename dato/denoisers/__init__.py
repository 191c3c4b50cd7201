"""What the engine knows of each denoiser family: its parts, and its forward from any depth."""
