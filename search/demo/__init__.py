"""A page, served by this machine, that shows a preset beside the unpatched pipeline."""
