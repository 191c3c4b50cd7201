"""``demo``: a page that shows unpatched and preset side by side with their times."""

from __future__ import annotations

import argparse
import ipaddress

from dato import load_preset
from search.cli.chosen import chosen_model, model_of
from search.cli.model_fit import check_model
from search.cli.plain_warnings import plain_warnings
from search.demo.server import DemoServer
from search.demo.service import DemoService, presets_for
from search.model.prompt_images import PromptPipeline


def demo(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    presets = [load_preset(name) for name in options.preset]
    model = model_of(presets[0], options.overrides) if presets else chosen_model(options.overrides)
    for preset in presets:
        check_model(preset, model, options.overrides)
    with DemoServer(options.host, options.port) as server, plain_warnings():
        print(f"loading {model.path}", flush=True)
        pipeline = PromptPipeline(model)
        service = DemoService(pipeline, presets_for(pipeline, options.preset))
        print(f"Open {server.url} in a browser; Ctrl-C stops.", flush=True)
        if not _is_local(options.host):
            print("Everyone who can reach this machine can use the page.", flush=True)
        try:
            server.serve(service)
        except KeyboardInterrupt:
            print("\nStopped.")
    return 0


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
