"""The adapter of diffusers' ``SD3Transformer2DModel``: Stable Diffusion 3 and 3.5.

Its blocks write two residual streams, the text's and the image's. The last block only reads the
text's (``context_pre_only``), and so do the outer blocks of every depth: a cut holds the change of
both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from diffusers import SD3Transformer2DModel
from diffusers.utils.peft_utils import apply_lora_scale
from torch import Tensor, nn

from dato.denoisers.base import inputs_of
from dato.denoisers.transformer import Streams, Transformer, run_blocks, unpatchify


@dataclass(frozen=True)
class SD3Adapter(Transformer):
    """See :class:`dato.denoisers.base.Adapter`."""

    takes: ClassVar[type[nn.Module]] = SD3Transformer2DModel
    inputs: ClassVar[tuple[str, ...]] = inputs_of(SD3Transformer2DModel)
    attentions: ClassVar[tuple[str, ...]] = ("attn", "attn2")
    flow: ClassVar[bool] = True
    refused: ClassVar[Mapping[str, str]] = {"skip_layers": "skip-layer guidance"}

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        used = {name: value for name, value in inputs.items() if name not in _UNUSED}
        result: tuple[Tensor, dict[int, Tensor]] = _partial(
            self.denoiser, **used, depth=depth, cut=cut, captures=captures
        )
        return result


_UNUSED = ("return_dict", "skip_layers")


@apply_lora_scale("joint_attention_kwargs")  # type: ignore[untyped-decorator]
def _partial(
    denoiser: Any,
    hidden_states: Tensor,
    encoder_hidden_states: Tensor,
    pooled_projections: Tensor,
    timestep: Tensor,
    block_controlnet_hidden_states: list[Tensor] | None = None,
    joint_attention_kwargs: dict[str, Any] | None = None,
    *,
    depth: int | None,
    cut: Tensor | None,
    captures: Collection[int],
) -> tuple[Tensor, dict[int, Tensor]]:
    """See :meth:`dato.denoisers.base.Adapter.partial`; ``SD3Transformer2DModel.forward`` has these
    arguments."""
    blocks, residuals = denoiser.transformer_blocks, block_controlnet_hidden_states
    image = denoiser.pos_embed(hidden_states).contiguous()
    moment = denoiser.time_text_embed(timestep, pooled_projections)
    text = denoiser.context_embedder(encoder_hidden_states)
    added = _with_images(denoiser, joint_attention_kwargs, timestep)

    def run(place: int, streams: Streams) -> Streams:
        block = blocks[place]
        text, image = block(
            hidden_states=streams[1],
            encoder_hidden_states=streams[0],
            temb=moment,
            joint_attention_kwargs=added,
        )
        if residuals is not None and not block.context_pre_only:
            image = image + residuals[int(place / (len(blocks) / len(residuals)))]
        return text, image

    (_, image), cuts = run_blocks(len(blocks), run, (text, image), depth, cut, captures)
    hidden = denoiser.proj_out(denoiser.norm_out(image, moment))
    size = (hidden_states.shape[-2], hidden_states.shape[-1])
    return unpatchify(hidden, denoiser.config.patch_size, denoiser.out_channels, size), cuts


def _with_images(
    denoiser: Any, given: dict[str, Any] | None, timestep: Tensor
) -> dict[str, Any] | None:
    """What the attentions are given, with the pictures of an IP-Adapter projected."""
    if given is None or "ip_adapter_image_embeds" not in given:
        return given
    rest = dict(given)
    states, moment = denoiser.image_proj(rest.pop("ip_adapter_image_embeds"), timestep)
    return rest | {"ip_hidden_states": states, "temb": moment}
