"""A page of this machine's own that shows a preset beside the unpatched pipeline."""
