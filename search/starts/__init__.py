"""What a study tries first."""
