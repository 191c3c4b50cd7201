"""What a study remembers, in memory and in its files."""
