"""Eight clients at once at the server of ``dato-search demo``: whose picture comes, and how fast?

python -m experiments.serving

Every client asks for pictures of its own prompt, seed and preset, first alone and then all at once,
and compares them byte by byte. Then all ask for one preset, and all for the unpatched model. Rates
are per second of this process's CPU time, so that other work on the machine counts little. Writes
``results.json`` beside this file.
"""

from __future__ import annotations

import json
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dato
from dato import load_preset
from experiments.command import command, parsed, processor, versions
from experiments.serving.clients import FAST, alike, at_once, mixed, picture
from search.cli.chosen import chosen_model
from search.demo.server import DemoServer
from search.demo.service import DemoService, presets_for
from search.model.prompt_images import PromptPipeline

RESULT = Path(__file__).parent / "results.json"


def measured(url: str, clients: int, rounds: int) -> dict[str, Any]:
    """What the record says of the server."""
    asks = mixed(clients)
    alone = [picture(url, ask) for ask in asks]
    same = sum(
        one == other
        for _ in range(rounds)
        for one, other in zip(at_once(url, asks)[0], alone, strict=True)
    )
    rates = {
        name: [clients / at_once(url, alike(clients, patched=patched))[1] for _ in range(rounds)]
        for name, patched in ((FAST, True), ("unpatched", False))
    }
    return {
        "clients": clients,
        "pictures at once": clients * rounds,
        "equal to the client's own": same,
        "different clients' pictures": len(set(alone)),
        "pictures a second of CPU time": {
            name: {"lowest": min(each), "highest": max(each)} for name, each in rates.items()
        },
    }


def applying(pipe: Any, rounds: int) -> dict[str, float]:
    """Milliseconds of CPU time of ``dato.apply``, the least of some."""
    preset = load_preset(FAST)
    unchecked = replace(preset, model=replace(preset.model, fingerprint=""))
    times: dict[str, list[float]] = {"preset": [], "without its fingerprint": []}
    for _ in range(rounds):
        for name, each in zip(times, (preset, unchecked), strict=True):
            started = time.process_time()
            dato.apply(pipe, each)
            times[name].append(1000 * (time.process_time() - started))
    dato.remove(pipe)
    return {name: round(min(each), 1) for name, each in times.items()}


def served(work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What a function of the server's address returns, while this thread serves."""
    results: list[dict[str, Any]] = []
    pipeline = PromptPipeline(chosen_model([]))
    applied = applying(pipeline.pipe, 10)
    service = DemoService(pipeline, presets_for(pipeline, ()))
    with DemoServer("127.0.0.1", 0) as server:

        def ask() -> None:
            try:
                results.append(work(server.url))
            finally:
                service.close()

        asking = threading.Thread(target=ask)
        asking.start()
        server.serve(service)
        asking.join()
    return results[0] | {"apply, ms of CPU time": applied}


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    options = parsed(parser)
    record = served(lambda url: measured(url, options.clients, options.rounds))
    record |= {
        "largest memory, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "processor": processor(),
        "versions": versions("torch", "diffusers"),
    }
    RESULT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
