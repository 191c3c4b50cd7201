"""The tests mirror the packages; shared hypothesis strategies are in ``tests.strategies``."""
