"""Presets on the Hugging Face Hub: ``hub:USER/REPO/NAME`` is ``NAME.json`` of a repository.

huggingface_hub transfers, caches and works offline. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dato.errors import HubError

PREFIX = "hub:"


def hub_file(reference: str) -> Path:
    """The local copy of a preset on the Hub, downloaded unless the cache holds it.

    Args:
        reference: ``"hub:USER/REPO/NAME"``; ``NAME`` may have folders and ends before ``.json``.

    Raises:
        HubError: the reference is malformed, or the file can be neither downloaded nor found.
    """
    import httpx2
    from huggingface_hub import hf_hub_download

    repo, name = _split(reference)
    try:
        return Path(hf_hub_download(repo, f"{name}.json"))
    except (OSError, ValueError, httpx2.HTTPError) as error:
        raise HubError(
            f"Cannot fetch the preset {reference!r} from the Hub or its cache: "
            f"{_first_line(error)}.",
            remedy="Check the name, your connection and HF_HUB_OFFLINE, or log in with 'hf auth "
            "login' where the repository is private.",
        ) from error


def push(repo: str, name: str, files: Mapping[str, str], *, private: bool) -> str:
    """Upload the files of the preset ``name``; see :meth:`dato.preset.Preset.push_to_hub`."""
    import httpx2
    from huggingface_hub import HfApi

    target = f"{PREFIX}{repo}/{name}"
    _split(target)
    api = HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        for path, text in files.items():
            api.upload_file(
                path_or_fileobj=text.encode(),
                path_in_repo=path,
                repo_id=repo,
                commit_message=f"Preset {name}",
            )
    except (OSError, ValueError, httpx2.HTTPError) as error:
        raise HubError(
            f"Cannot push to the repository {repo!r}: {_first_line(error)}.",
            remedy="Log in with 'hf auth login', and check the name and your connection.",
        ) from error
    return target


def _split(reference: str) -> tuple[str, str]:
    parts = reference.removeprefix(PREFIX).removesuffix(".json").split("/")
    if len(parts) < 3 or not all(part.strip(".") for part in parts):
        raise HubError(
            f"{reference!r} names no preset on the Hub.",
            remedy=f"Write {PREFIX}USER/REPO/NAME, where NAME.json is a file of the repository.",
        )
    return "/".join(parts[:2]), "/".join(parts[2:])


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
