"""Embedded models are named by ``model=``, which brings their settings along."""

from __future__ import annotations

from collections.abc import Sequence

from dato.pocket.names import FOLDERS
from search.errors import ConfigError
from search.settings.typed import Typed


def check_paths(typed: Sequence[Typed], own: str | None, name: str) -> None:
    """Refuse the path of an embedded model beside the settings of another model: its sampler, steps
    and guidance, and the space and rivals of a study, would be the other's.

    Args:
        typed: may set ``model.path``.
        own: the path of the model whose settings are taken; None for ``model=custom``.
        name: of that model.

    Raises:
        ConfigError: they are two models.
    """
    paths = [each.plain for each in typed if each.key == "model.path"]
    mistakes = [
        f"model.path={path} is an embedded model, and all other settings are those of "
        f"model={name}. Write model={path}, and leave out model.path."
        for path in paths
        if path in FOLDERS and own not in (None, path)
    ]
    if mistakes:
        raise ConfigError("The command cannot be run", mistakes)
