"""Spaces for denoisers that the engine does not look into: full and skipped calls."""

from __future__ import annotations

from search.errors import ConfigError
from search.space.language import SpaceSpec


def check_skips_only(spec: SpaceSpec) -> None:
    """Refuse a space that needs an adapter.

    Raises:
        ConfigError: naming what asks for cuts or pruning, and the remedy.
    """
    asking = [
        name for name, entry in spec.entries if name.endswith("depth") and any(entry.domain.ends)
    ]
    asking += [base for _, base, entries in spec.prune if entries]
    if asking:
        raise ConfigError(
            f"The space {spec.name!r} does not fit this model",
            [
                f"{', '.join(dict.fromkeys(asking))}: cuts and pruning happen inside the denoiser, "
                "and the engine has no adapter for this one. Take space=skipped, or one of your "
                "own whose cached.depth is 0 and which prunes nothing."
            ],
        )
