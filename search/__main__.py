"""``python -m search`` is ``dato-search``."""

from dato_search import main

if __name__ == "__main__":
    raise SystemExit(main())
