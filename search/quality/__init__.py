"""How good images are: FID and the other metrics, and their intervals."""
