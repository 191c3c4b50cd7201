"""The program ``dato-search``: starts the command line, unless something is in its way or missing.

A folder on ``PYTHONPATH`` comes before the installed packages, so a module of the user's that is
called ``search`` hides the package; and ``pip install dato`` brings the engine alone. This file
looks first and then imports.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {"dato": "schedule.py", "search": "cli/main.py"}
"""Each package with a file by which it is known. Its place says nothing: an editable installation
keeps this file apart from the packages."""


def main() -> int:
    """Run one command; exit code 2 if a package of ours is hidden or a library is missing."""
    for name in PACKAGES:
        other = hidden_by(name)
        if other is not None:
            print(
                f"dato-search: {other!r} is in the way: it hides the package {name!r} of "
                "dato-search. Rename it, or take its folder off PYTHONPATH.",
                file=sys.stderr,
            )
            return 2
    absent = missing()
    if absent:
        print(
            f"dato-search: The search needs libraries that are not installed ({', '.join(absent)}):"
            " pip install 'dato[search]' brings them.",
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


def missing() -> tuple[str, ...]:
    """The libraries of the extra ``search`` that are not installed, by their distributions' names.

    What the extra asks for is in the metadata of the installed package; where there is none, as
    in an unpacked source tree, nothing is known to be missing.
    """
    try:
        wanted = requires("dato") or []
    except PackageNotFoundError:
        return ()
    extra = [each for each in wanted if re.search(r"extra == ['\"]search['\"]", each)]
    names = [re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in extra]
    return tuple(name for name in names if not is_installed(name))


def is_installed(name: str) -> bool:
    """Whether a distribution is installed, of whatever version."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
