"""The command line: ``dato-search`` and ``python -m search``."""
