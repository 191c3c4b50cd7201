"""``demo``: the page in a browser, its questions over HTTP, and who may ask them."""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from dato import MismatchError, Preset, Schedule, list_presets, load_preset
from experiments.pictures.browser import CHROMIUM
from experiments.pictures.browser import page as browser
from search.cli.chosen import chosen_model
from search.cli.main import main
from search.demo.server import DemoServer
from search.demo.service import DemoRequest, DemoService, presets_for
from search.errors import UserError
from search.model.loading import ModelConfig
from search.model.prompt_images import ImageRequest, PromptImages, PromptPipeline

PROMPT = "a red circle on a white background"
FAST = load_preset("pocket/fast")


def shortened(preset: Preset, name: str, steps: int) -> Preset:
    """The preset's model with held outputs over a few steps, so that pictures take no time."""
    sampler = replace(preset.sampler, num_inference_steps=steps, calls=steps, guidance_range=None)
    schedule = Schedule.uniform(steps, interval=2, depth=0)
    return replace(preset, name=name, sampler=sampler, schedule=schedule, measured=None)


SHORT = shortened(FAST, "pocket/short", 4)
OTHER = replace(
    shortened(load_preset("pocket/balanced"), "<i>other</i>", 6),
    model=replace(FAST.model, fingerprint=f"sha256:{64 * '0'}"),
)


@pytest.fixture(scope="module")
def pipeline() -> PromptPipeline:
    return PromptPipeline(chosen_model([]))


@pytest.fixture(scope="module")
def address(pipeline: PromptPipeline) -> Iterator[str]:
    with running(DemoService(pipeline, [SHORT, OTHER])) as url:
        yield url


@contextmanager
def running(service: DemoService) -> Iterator[str]:
    with DemoServer("127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve, args=(service,))
        thread.start()
        try:
            yield server.url
        finally:
            service.close()
            thread.join()


def ask(url: str, body: object = None, kind: str = "application/json") -> tuple[int, Any]:
    """Status and JSON of an answer."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def request(**changes: object) -> dict[str, object]:
    base = {"prompt": PROMPT, "preset": "pocket/short", "seed": 3, "patched": True}
    return base | changes


@pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium (Debian: apt-get install chromium)")
def test_a_person_sees_both_pictures_their_times_and_the_speed_up(
    address: str, tmp_path: Path
) -> None:
    with browser() as page:
        page.open(address)
        page.until("!document.getElementById('generate').disabled")
        assert page.run("preset.options.length") == 2
        about = page.run("about.textContent")
        assert "4 steps, guidance 2. Unpatched: the same sampler and steps." in about
        page.run(f"document.getElementById('prompt').value = {json.dumps(PROMPT)}; seed.value = 3")
        page.run("document.getElementById('generate').click()")
        page.until("speedup.textContent !== '' && !document.getElementById('generate').disabled")
        times = [
            float(
                page.run(f"document.getElementById('{side}-time').textContent").removesuffix(" s")
            )
            for side in ("unpatched", "patched")
        ]
        assert all(seconds >= 0 for seconds in times)
        assert page.run("speedup.textContent").endswith("\N{MULTIPLICATION SIGN}")
        assert page.run("document.getElementById('name').textContent") == "pocket/short"
        sources = page.run("[...document.images].map(image => image.src)")
        assert sources == [
            ask(f"{address}generate", request(patched=p))[1]["image"] for p in (False, True)
        ]
        assert page.run("document.images[0].naturalWidth") == 64
        for width in (1200, 390):
            page.resize(width, 900)
            page.picture(tmp_path / f"{width}.png")
            assert page.run("document.documentElement.scrollWidth <= window.innerWidth"), width

        page.run("preset.value = '<i>other</i>'; preset.dispatchEvent(new Event('change'))")
        assert "Tuned on other weights" in page.run("about.textContent")
        assert page.run("document.querySelectorAll('i').length") == 0
        assert page.problems == []
        assert {url.partition(",")[0] for url in page.requested} <= {
            address, f"{address}presets", f"{address}generate", "data:image/png;base64", "data:",
        }  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium (Debian: apt-get install chromium)")
def test_what_cannot_be_generated_is_said_on_the_page(
    pipeline: PromptPipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> PromptImages:
        raise UserError("There is not enough memory for 1 images at once.")

    monkeypatch.setattr(pipeline, "generate", fail)
    with running(DemoService(pipeline, [SHORT])) as address, browser() as page:
        page.open(address)
        page.until("!document.getElementById('generate').disabled")
        page.run("document.getElementById('generate').click()")
        page.until("document.getElementById('status').className === 'wrong'")
        assert "not enough memory" in page.run("document.getElementById('status').textContent")
        assert not page.run("document.getElementById('generate').disabled")


def test_an_answer_is_the_pipelines_picture_with_its_time(
    address: str, pipeline: PromptPipeline
) -> None:
    status, answer = ask(f"{address}generate", request())
    assert status == 200
    assert answer["seconds"] > 0
    picture = Image.open(io.BytesIO(base64.b64decode(answer["image"].partition(",")[2])))
    direct = pipeline.generate([ImageRequest(PROMPT, 3)], SHORT).images[0]
    assert picture.tobytes() == direct.tobytes()
    unpatched = ask(f"{address}generate", request(patched=False))[1]["image"]
    assert unpatched != answer["image"]


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        (request(preset="../x"), "This page has no preset '../x'. Choose one of pocket/short"),
        (request(prompt=""), "prompt: "),
        (request(prompt=1001 * "a"), "prompt: "),
        (request(seed=-1), "seed: "),
        (request(seed=2**53), "seed: "),
        (request(seed="1"), "seed: "),
        (request(patched=1), "patched: "),
        (request(more=1), "more: "),
        (b"\xff", "request: "),
        (b"[" * 10_000, "request: "),
    ],
)
def test_a_request_that_means_nothing_is_a_sentence(
    address: str, body: object, fragment: str
) -> None:
    status, answer = ask(f"{address}generate", body)
    assert (status, list(answer)) == (400, ["error"])
    assert fragment in answer["error"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_another_sites_page_cannot_ask(address: str, kind: str) -> None:
    """These are the types that a browser sends to a foreign address without permission."""
    assert ask(f"{address}generate", request(), kind)[0] == 415


def test_a_request_is_short_and_to_an_address_that_exists(address: str) -> None:
    assert ask(f"{address}generate", request(prompt=70_000 * "a"))[0] == 413
    assert ask(f"{address}nothing", request())[0] == 404
    assert ask(f"{address}../../etc/passwd")[0] == 404


def test_the_page_may_load_nothing_from_elsewhere(address: str) -> None:
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "http" not in text.replace("http-equiv", "")


def test_the_presets_of_a_model_are_all_that_fit_it(pipeline: PromptPipeline) -> None:
    assert [preset.name for preset in presets_for(pipeline, [])] == list(list_presets("pocket"))
    with pytest.raises(MismatchError, match="latents of"):
        presets_for(pipeline, ["sd15/published"])


def test_a_preset_is_shown_with_what_its_unpatched_picture_is_made_by(
    pipeline: PromptPipeline,
) -> None:
    """Beside a tuned sampler of three steps stands the model with its own fifty."""
    at = (999.0, 600.0, 300.0)
    sampler = replace(SHORT.sampler, num_inference_steps=3, calls=3, timesteps=at)
    given = replace(SHORT, name="given", sampler=sampler, schedule=Schedule.full(3))
    shown = DemoService(pipeline, [FAST, given, SHORT]).describe()["presets"]
    assert isinstance(shown, list)
    said = {each["name"]: (each["sampling"], each["unpatched"]) for each in shown}
    for name, steps, unpatched in (
        (FAST.name, 3, "DDIM, 50 steps, guidance 2"),
        ("given", 3, "DDIM, 50 steps, guidance 2"),
        (SHORT.name, 4, "the same sampler and steps"),
    ):
        assert said[name][0].endswith(f", {steps} steps, guidance 2")
        assert said[name][1] == unpatched
    for preset in (FAST, given, SHORT):
        beside = pipeline.sampler_of(preset, patched=False)
        steps = pipeline.calls(1, preset, patched=False)
        assert beside.num_inference_steps == steps
        assert beside.guidance_scale == preset.sampler.guidance_scale


def test_a_model_without_a_preset_says_how_to_give_one() -> None:
    tiny = PromptPipeline(ModelConfig(weights="tiny", architecture="sdxl"))
    with pytest.raises(UserError, match="Give one with --preset FILE"):
        DemoService(tiny, presets_for(tiny, []))


def test_a_gpu_is_warm_before_it_is_timed() -> None:
    """The first run of each preset and of the unpatched pipeline is made twice, on a GPU only."""
    runs: list[tuple[str, bool]] = []

    def generate(_: object, preset: Preset, *, patched: bool) -> PromptImages:
        runs.append((preset.name, patched))
        return PromptImages((Image.new("RGB", (1, 1)),), 0.1)

    def asked(device: str) -> list[tuple[str, bool]]:
        runs.clear()
        fake: Any = SimpleNamespace(
            generate=generate, pipe=SimpleNamespace(device=torch.device(device))
        )
        service = DemoService(fake, [SHORT])
        with ThreadPoolExecutor(1) as worker:
            worker.submit(service.work)
            for patched in (False, True, True):
                service.generate(
                    DemoRequest(preset=SHORT.name, prompt="a", seed=0, patched=patched)
                )
            service.close()
        return list(runs)

    cold, warm = (SHORT.name, False), (SHORT.name, True)
    assert asked("cuda") == [cold, cold, warm, warm, warm]
    assert asked("cpu") == [cold, warm, warm]


def test_an_address_that_is_taken_is_a_sentence() -> None:
    with DemoServer("127.0.0.1", 0) as server:
        taken = server.server_address[1]
        with pytest.raises(UserError, match=f"--port {taken}.*Choose another port"):
            DemoServer("127.0.0.1", int(taken))
    with pytest.raises(UserError, match="--port 99999"):
        DemoServer("127.0.0.1", 99999)


def test_mistakes_end_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, fragment in (
        (["space=joint"], "is no setting of the model"),
        (["model.guidance_scale=3"], "a preset fixes model.guidance_scale"),
        (["model.path=/no/such/folder"], "/no/such/folder"),
        (["--host", "no host"], "Cannot listen"),
    ):
        assert main(["demo", "--port", "0", *arguments]) == 2
        assert fragment in capsys.readouterr().err


@contextmanager
def command(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process of its own, and its address."""
    SHORT.save(folder / "short.json")
    with subprocess.Popen(
        [sys.executable, "-m", "search", "demo", "--port", "0", "--preset", "short.json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "HF_HUB_OFFLINE": "1"},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "loading pocket\n"
        address = process.stdout.readline().split()[1]
        assert address.startswith("http://127.0.0.1:")
        yield process, address


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    with command(tmp_path) as (process, address):
        assert [p["name"] for p in ask(f"{address}presets")[1]["presets"]] == ["pocket/short"]
        assert ask(f"{address}generate", request())[0] == 200
        assert interrupted(process) == (0, "\nStopped.\n", "")


def test_an_interrupt_ends_the_command_also_while_pictures_are_made(tmp_path: Path) -> None:
    with command(tmp_path) as (process, address), ThreadPoolExecutor(3) as people:
        assert ask(f"{address}generate", request())[0] == 200
        asked = [people.submit(ask, f"{address}generate", request()) for _ in range(3)]
        wait(asked, return_when=FIRST_COMPLETED)
        assert interrupted(process) == (0, "\nStopped.\n", "")
        for each in asked:
            assert each.exception() or each.result()[0] == 200
