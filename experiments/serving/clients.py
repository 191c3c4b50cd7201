"""What clients ask the server for, alone and at once."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from dato import list_presets

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "black", "white")
FAST = "pocket/balanced"


@dataclass(frozen=True)
class Ask:
    """One picture, as the server is asked for it."""

    preset: str
    prompt: str
    seed: int
    patched: bool = True


def mixed(clients: int) -> list[Ask]:
    """A prompt, a seed and a preset for each client; every fourth one wants the unpatched model."""
    presets = list_presets("pocket")
    return [
        Ask(presets[each % len(presets)], _prompt(each), each, patched=each % 4 != 3)
        for each in range(clients)
    ]


def alike(clients: int, *, patched: bool) -> list[Ask]:
    """One preset for all, or the unpatched model."""
    return [Ask(FAST, _prompt(each), each, patched) for each in range(clients)]


def _prompt(client: int) -> str:
    return f"a {COLOURS[client % len(COLOURS)]} circle on a white background"


def picture(url: str, ask: Ask) -> str:
    """The picture as the server sends it."""
    body = json.dumps(asdict(ask)).encode()
    request = urllib.request.Request(f"{url}generate", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        image: str = json.load(answer)["image"]
        return image


def at_once(url: str, asks: Sequence[Ask]) -> tuple[list[str], float]:
    """Everybody's picture, and the seconds of CPU time that they took together."""
    with ThreadPoolExecutor(len(asks)) as clients:
        started = time.process_time()
        pictures = list(clients.map(lambda ask: picture(url, ask), asks))
        return pictures, time.process_time() - started
