"""Which packages a feature network needs, told without loading torch."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec

from search.errors import UserError

PLUGINS = "dato.features"
"""Entry points of installed packages: functions that return the module of a feature network.
A configuration can only name what the user installed, so a stranger's study imports nothing."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "pocket": (),
    "inception": ("torch_fidelity",),
    "inception_released": ("torchvision",),
}
"""Modules that the networks of ``search.quality.features`` are made with."""


def check_features(name: str) -> None:
    """Look for the packages of ``quality.features``, before anything is loaded.

    Raises:
        UserError: the name is unknown, or a package is missing; with the extra to install.
    """
    plugins = [plugin.name for plugin in entry_points(group=PLUGINS)]
    if name not in NEEDED:
        if name in plugins:
            return
        raise UserError(
            f"quality.features={name!r} is unknown. Choose one of {', '.join((*NEEDED, *plugins))}."
        )
    for module in NEEDED[name]:
        if find_spec(module) is None:
            raise missing_package(name, module)


def missing_package(name: str, module: str) -> UserError:
    """The error for a feature network without one of its packages."""
    return UserError(
        f"quality.features={name} needs {module.replace('_', '-')}, which is not installed. "
        "Install the extra: pip install 'dato[fid]'."
    )
