"""What a study measures once, before its first trial."""
