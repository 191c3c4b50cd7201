"""The shipped configuration, found beside this package and never by an import."""

from __future__ import annotations

from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"
"""A folder of the user's that is also called ``conf`` does not hide it."""


def options(group: str) -> tuple[str, ...]:
    """What may stand behind ``GROUP=``, such as ``pocket`` for ``model``."""
    root = CONF / group
    paths = (path.relative_to(root).with_suffix("") for path in root.rglob("*.yaml"))
    return tuple(sorted(path.as_posix() for path in paths))


def groups() -> tuple[str, ...]:
    """All groups of the configuration."""
    return tuple(sorted(path.name for path in CONF.iterdir() if any(path.glob("**/*.yaml"))))
