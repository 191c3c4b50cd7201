"""Presets travel through a hub: huggingface_hub's own client against a server on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dato.errors import HubError
from dato.preset import Preset
from dato.preset.hub import hub_file
from tests.dato.preset.hub_server import Hub, serving
from tests.dato.preset.test_card import python_of

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "dato" / "golden" / "balanced.json"


def python(
    code: str, hub: str, cache: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run code with its own hub settings, which huggingface_hub reads at import."""
    settings = {"HF_ENDPOINT": hub, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "0"}
    return subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            f"import dato; from dato.preset import Preset; {code}",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **settings, "HF_TOKEN": "hf_test", **environment},
        timeout=120,
    )


PUSH = f"print(Preset.load({str(GOLDEN)!r}).push_to_hub('user/repo', name='balanced'))"
LOAD = "print(dato.load_preset('hub:user/repo/balanced').to_json())"


def test_a_pushed_preset_is_loaded_again_and_then_read_from_the_cache(tmp_path: Path) -> None:
    with serving(Hub()) as hub:
        pushed = python(PUSH, hub.url, tmp_path / "one")
        assert (pushed.returncode, pushed.stdout.strip()) == (0, "hub:user/repo/balanced")
        assert set(hub.files) == {"user/repo/balanced.json", "user/repo/balanced.md"}
        loaded = python(LOAD, hub.url, tmp_path / "two")
        assert Preset.from_json(loaded.stdout) == Preset.load(GOLDEN), loaded.stderr
    offline = python(LOAD, hub.url, tmp_path / "two", HF_HUB_OFFLINE="1")
    assert Preset.from_json(offline.stdout) == Preset.load(GOLDEN), offline.stderr


def test_the_card_of_a_pushed_preset_runs_it_from_the_hub(tmp_path: Path) -> None:
    with serving(Hub()) as hub:
        push = "print(dato.load_preset('pocket/fast').push_to_hub('user/repo'))"
        pushed = python(push, hub.url, tmp_path / "one")
        assert (pushed.returncode, pushed.stdout.strip()) == (0, "hub:user/repo/fast")
        code = python_of(hub.files["user/repo/fast.md"].decode())
        assert "dato.apply(pipe, 'hub:user/repo/fast')" in code
        code = code.replace("'image.png'", repr(str(tmp_path / "image.png")))
        ran = python(f"\n{code}", hub.url, tmp_path / "two", PYTHONWARNINGS="")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "image.png").is_file()


def test_what_cannot_be_fetched_or_pushed_is_one_sentence(tmp_path: Path) -> None:
    with serving(Hub(writable=False)) as hub:
        missing = python(LOAD, hub.url, tmp_path / "one")
        refused = python(PUSH, hub.url, tmp_path / "one")
    offline = python(LOAD, hub.url, tmp_path / "two", HF_HUB_OFFLINE="1")
    gone = python(PUSH, "http://127.0.0.1:9", tmp_path / "two")
    for done in (missing, refused, offline, gone):
        last = done.stderr.strip().splitlines()[-1]
        assert done.returncode == 1
        assert last.startswith("dato.errors.HubError: "), done.stderr
    assert "HF_HUB_OFFLINE" in offline.stderr.strip().splitlines()[-1]
    assert "hf auth login" in refused.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["hub:", "hub:repo/name", "hub:user/repo/", "hub:user/../name"])
def test_a_malformed_name_is_refused_without_a_request(name: str) -> None:
    with pytest.raises(HubError, match="hub:USER/REPO/NAME"):
        hub_file(name)
