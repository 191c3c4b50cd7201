"""``python -m search`` is ``dato-search``."""

from search.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
