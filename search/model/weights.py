"""Finds a model's weights: an embedded model, a folder, or a hub id in the local cache."""

from __future__ import annotations

from pathlib import Path

from dato.pocket.names import FOLDERS, pocket_path
from search.errors import UserError

POCKET = "pocket"
"""The embedded model that is taken where none is named."""


def pipeline_folder(path: str) -> Path:
    """The folder of a pipeline. A hub id is downloaded once, unless ``HF_HUB_OFFLINE`` is set.

    Raises:
        UserError: there is no pipeline. The message says what to download and where it was sought.
    """
    return local_folder(path) or _from_hub(path)


def local_folder(path: str) -> Path | None:
    """The folder of a pipeline on this machine; ``None`` for a hub id. Loads nothing.

    Raises:
        UserError: it is neither.
    """
    if path in FOLDERS:
        return pocket_path(path)
    folder = Path(path).expanduser()
    if folder.is_dir():
        if not (folder / "model_index.json").is_file():
            raise UserError(
                f"model.path={path!r} holds no model_index.json. Give a folder that a diffusers "
                "pipeline's save_pretrained wrote."
            )
        return folder
    if path.count("/") != 1 or path.startswith((".", "/", "~")):
        raise UserError(
            f"model.path={path!r} is not a folder. Give a diffusers pipeline folder, "
            f"a hub id, or {' or '.join(map(repr, FOLDERS))} for an embedded model."
        )
    return None


def _from_hub(name: str) -> Path:
    from diffusers import DiffusionPipeline
    from huggingface_hub import constants, is_offline_mode

    try:
        return Path(DiffusionPipeline.download(name, local_files_only=True))
    except (OSError, ValueError) as error:
        missing = error
    why = "HF_HUB_OFFLINE is set"
    if not is_offline_mode():
        try:
            return Path(DiffusionPipeline.download(name))
        except (OSError, ValueError) as error:
            why = f"it could not be downloaded: {str(error).splitlines()[0]}"
    raise UserError(
        f"Cannot find model.path={name!r}: it is no folder, is not (or not wholly) in the cache "
        f"{constants.HF_HUB_CACHE!r} (HF_HUB_CACHE), and {why}. Run 'hf download {name}' where "
        "there is a network, give model.path=FOLDER, or take model.weights=random for latency work."
    ) from missing
