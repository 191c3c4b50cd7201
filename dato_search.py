"""The program ``dato-search``: starts the command line, unless another module is in its place.

A folder on ``PYTHONPATH`` comes before the installed packages, so a module of the user's that is
called ``search`` hides the package. This file looks first and then imports.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {"dato": "schedule.py", "search": "cli/main.py"}
"""Each package with a file by which it is known. Its place says nothing: an editable installation
keeps this file apart from the packages."""


def main() -> int:
    """Run one command; exit code 2 if one of our packages is hidden."""
    for name in PACKAGES:
        other = hidden_by(name)
        if other is not None:
            print(
                f"dato-search: {other!r} is in the way: it hides the package {name!r} of "
                "dato-search. Rename it, or take its folder off PYTHONPATH.",
                file=sys.stderr,
            )
            return 2
    from search.cli.main import main as run

    return run()


def hidden_by(name: str) -> str | None:
    """The path of another module or folder that is imported as ``name``; ``None`` if ours is."""
    spec = find_spec(name)
    if spec is None:
        return name
    places = list(spec.submodule_search_locations or ())
    if any((Path(place) / PACKAGES[name]).is_file() for place in places):
        return None
    return spec.origin or places[0]


if __name__ == "__main__":
    raise SystemExit(main())
