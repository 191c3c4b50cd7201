"""The Triton kernel equals the torch matching. Runs in Triton's interpreter on a CPU.

``tests/conftest.py`` chooses the interpreter; ``TRITON_INTERPRET=0`` runs this file on a GPU.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dato.tokens.matching import closest
from tests.dato.tiny import random

pytest.importorskip("triton", reason="Triton is not installed: pip install -e '.[dev]' on Linux")

from dato.tokens import matching_triton as fused

ROOT = Path(__file__).parents[3]
DEVICE = "cpu" if os.environ["TRITON_INTERPRET"] == "1" else "cuda"
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def check(tokens: Tensor, base: Tensor) -> None:
    """The kernel's cosines are exact, and each chosen base token has the largest one."""
    cosine, place = fused.closest(tokens.to(DEVICE), base.to(DEVICE))
    exact, _ = closest(tokens.float(), base.float())
    assert (cosine.dtype, place.dtype) == (torch.float32, torch.int64)
    torch.testing.assert_close(cosine.cpu(), exact, rtol=0, atol=2e-6)
    picked = base.gather(1, place.cpu()[..., None].expand(-1, -1, base.shape[2]))
    own = torch.nn.functional.cosine_similarity(tokens.float(), picked.float(), dim=2, eps=1e-12)
    torch.testing.assert_close(own, exact, rtol=0, atol=2e-6)


@settings(max_examples=15)
@given(
    st.integers(1, 3),
    st.integers(1, 130),
    st.integers(1, 130),
    st.integers(1, 130),
    st.sampled_from(DTYPES),
)
def test_the_kernel_equals_torch_at_any_size(
    images: int, others: int, bases: int, channels: int, dtype: torch.dtype
) -> None:
    tokens, base = random(images, others, channels), random(images, bases, channels, seed=1)
    check(tokens.to(dtype), base.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [16, 320, 1280])
def test_the_kernel_equals_torch_at_the_widths_of_models(channels: int, dtype: torch.dtype) -> None:
    check(random(1, 48, channels).to(dtype), random(1, 16, channels, seed=1).to(dtype))


def test_inputs_need_not_be_contiguous() -> None:
    tokens = random(70, 2, 24).transpose(0, 1)[:, ::2, 1::2]
    base = random(2, 24, 90).transpose(1, 2)[:, 5:, ::2]
    assert not tokens.is_contiguous() and not base.is_contiguous()
    check(tokens, base)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_of_equals_wins_within_and_across_blocks(dtype: torch.dtype) -> None:
    # Signs: sums of their products are exact, whatever order a matrix product adds them in.
    digits = torch.arange(40)[:, None] >> torch.arange(16) & 1
    distinct = (1 - 2 * digits)[None].to(dtype)
    base = torch.cat([distinct, distinct, distinct, distinct], 1)
    _, place = fused.closest(distinct.to(DEVICE), base.to(DEVICE))
    assert place.tolist() == [list(range(40))]


def test_length_does_not_matter_and_nothing_is_like_zero() -> None:
    base = torch.eye(5)[None] * torch.tensor([1e-4, 1.0, 1e4, 3.0, 0.0])[None, :, None]
    tokens = torch.cat([torch.eye(5)[None] * 100, torch.zeros(1, 1, 5)], 1)
    cosine, place = fused.closest(tokens.to(DEVICE), base.to(DEVICE))
    assert place.tolist() == [[0, 1, 2, 3, 0, 0]]
    torch.testing.assert_close(cosine.cpu(), torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0, 0.0]]))


def test_no_others_and_an_image_alone_give_what_the_batch_gives() -> None:
    assert fused.closest(torch.zeros(2, 0, 8, device=DEVICE), random(2, 3, 8).to(DEVICE))[0].shape
    tokens, base = random(3, 100, 32).to(DEVICE), random(3, 70, 32, seed=1).to(DEVICE)
    both = fused.closest(tokens, base)
    alone = fused.closest(tokens[1:2], base[1:2])
    assert torch.equal(both[0][1:2], alone[0])
    assert torch.equal(both[1][1:2], alone[1])


def test_the_kernel_is_part_of_compiled_graphs() -> None:
    def twice(tokens: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
        cosine, place = fused.closest(tokens + tokens, base)
        return cosine, place + 1

    tokens, base = random(2, 20, 8).to(DEVICE), random(2, 5, 8, seed=1).to(DEVICE)
    graph = torch.compile(twice, backend="aot_eager", fullgraph=True)
    for compiled, eager in zip(graph(tokens, base), twice(tokens, base), strict=True):
        assert torch.equal(compiled, eager)
    torch.library.opcheck(fused.closest, (tokens, base))


COMPILE = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from dato.tokens.matching_triton import closest_kernel

sizes = {"ROWS": 64, "COLUMNS": 64, "CHANNELS": 64, "WIDEN": False}
fixed = sizes | {"tokens_channel": 1, "base_channel": 1}
targets = [(80, "fp16", "mma.sync"), (90, "bf16", "wgmma"), (90, "fp32", "fma")]
for capability, kind, unit in targets:
    types = {name: "constexpr" if name in fixed else "i32" for name in closest_kernel.arg_names}
    types |= {"tokens": f"*{kind}", "base": f"*{kind}", "cosine": "*fp32", "place": "*i64"}
    source = ASTSource(fn=closest_kernel, signature=types, constexprs=fixed)
    code = compile(source, target=GPUTarget("cuda", capability, 32)).asm["ptx"]
    assert unit in code, (capability, kind)
    assert "st.local" not in code, "registers spill"
print("compiled")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Triton compiles for NVIDIA on Linux")
def test_the_kernel_compiles_for_gpus_and_uses_their_tensor_cores(tmp_path: Path) -> None:
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.stdout.strip() == "compiled", done.stderr
