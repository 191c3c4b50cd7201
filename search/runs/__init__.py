"""A command, from its configuration to its files."""
