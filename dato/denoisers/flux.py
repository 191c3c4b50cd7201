"""The adapter of diffusers' ``FluxTransformer2DModel``: FLUX.1.

Blocks of two streams, the text's and the image's, come first; blocks that run on both as one come
after them, and diffusers splits what they return. So all are blocks of two streams here, and a cut
holds the change of both. The sample is packed: a token is a square of 2 x 2 latents.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from diffusers import FluxTransformer2DModel
from diffusers.utils.peft_utils import apply_lora_scale
from torch import Tensor, nn

from dato.denoisers.base import Canvas, inputs_of
from dato.denoisers.transformer import Streams, Transformer, run_blocks

PATCH = 2
"""Side of the square of latents that is packed into one token."""

_UNITS = 1000
"""The sampler's timesteps are this many times what the denoiser is called with."""


@dataclass(frozen=True)
class FluxAdapter(Transformer):
    """See :class:`dato.denoisers.base.Adapter`."""

    takes: ClassVar[type[nn.Module]] = FluxTransformer2DModel
    inputs: ClassVar[tuple[str, ...]] = inputs_of(FluxTransformer2DModel)
    block_lists: ClassVar[tuple[str, ...]] = ("transformer_blocks", "single_transformer_blocks")
    attentions: ClassVar[tuple[str, ...]] = ("attn",)
    flow: ClassVar[bool] = True
    guided: ClassVar[bool] = False

    @property
    def patch(self) -> int:
        return PATCH

    def canvas(self, inputs: Mapping[str, Any]) -> Canvas:
        """The latents' size is read from the tokens' positions, which waits for the device."""
        places = _flat(inputs["img_ids"])
        image = places[places[:, 0] == 0].cpu()
        rows, columns = (int(image[:, axis].max()) + 1 for axis in (1, 2))
        return Canvas(PATCH * rows, PATCH * columns, len(places) - rows * columns)

    def picture(self, value: Tensor, canvas: Canvas) -> Tensor:
        """At the scale of the tokens."""
        rows, columns = canvas.height // PATCH, canvas.width // PATCH
        image = value[:, : rows * columns].transpose(1, 2)
        return image.reshape(*image.shape[:2], rows, columns)

    def timestep(self, inputs: Mapping[str, Any]) -> Any:
        return inputs["timestep"] * _UNITS

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        used = {name: value for name, value in inputs.items() if name != "return_dict"}
        result: tuple[Tensor, dict[int, Tensor]] = _partial(
            self.denoiser, **used, depth=depth, cut=cut, captures=captures
        )
        return result


@apply_lora_scale("joint_attention_kwargs")  # type: ignore[untyped-decorator]
def _partial(
    denoiser: Any,
    hidden_states: Tensor,
    encoder_hidden_states: Tensor,
    pooled_projections: Tensor,
    timestep: Tensor,
    img_ids: Tensor,
    txt_ids: Tensor,
    guidance: Tensor | None = None,
    joint_attention_kwargs: dict[str, Any] | None = None,
    controlnet_block_samples: list[Tensor] | None = None,
    controlnet_single_block_samples: list[Tensor] | None = None,
    controlnet_blocks_repeat: bool = False,
    *,
    depth: int | None,
    cut: Tensor | None,
    captures: Collection[int],
) -> tuple[Tensor, dict[int, Tensor]]:
    """See :meth:`dato.denoisers.base.Adapter.partial`; ``FluxTransformer2DModel.forward`` has these
    arguments."""
    image = denoiser.x_embedder(hidden_states)
    times = [timestep.to(image.dtype) * _UNITS]
    if guidance is not None:
        times.append(guidance.to(image.dtype) * _UNITS)
    moment = denoiser.time_text_embed(*times, pooled_projections)
    text = denoiser.context_embedder(encoder_hidden_states)
    positions = denoiser.pos_embed(torch.cat([_flat(txt_ids), _flat(img_ids)]))
    added = _with_images(denoiser, joint_attention_kwargs)
    blocks = [*denoiser.transformer_blocks, *denoiser.single_transformer_blocks]
    residuals = [
        *_residuals(
            len(denoiser.transformer_blocks), controlnet_block_samples, controlnet_blocks_repeat
        ),
        *_residuals(
            len(denoiser.single_transformer_blocks), controlnet_single_block_samples, False
        ),
    ]

    def run(place: int, streams: Streams) -> Streams:
        text, image = blocks[place](
            hidden_states=streams[1],
            encoder_hidden_states=streams[0],
            temb=moment,
            image_rotary_emb=positions,
            joint_attention_kwargs=added,
        )
        residual = residuals[place]
        return text, image if residual is None else image + residual

    (_, image), cuts = run_blocks(len(blocks), run, (text, image), depth, cut, captures)
    return denoiser.proj_out(denoiser.norm_out(image, moment)), cuts


def _residuals(count: int, given: list[Tensor] | None, repeat: bool) -> list[Tensor | None]:
    """What a ControlNet adds after each of ``count`` blocks."""
    if given is None:
        return [None] * count
    span = math.ceil(count / len(given))
    return [given[place % len(given) if repeat else place // span] for place in range(count)]


def _with_images(denoiser: Any, given: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the attentions are given, with the pictures of an IP-Adapter projected."""
    if given is None or "ip_adapter_image_embeds" not in given:
        return given
    rest = dict(given)
    states = denoiser.encoder_hid_proj(rest.pop("ip_adapter_image_embeds"))
    return rest | {"ip_hidden_states": states}


def _flat(places: Tensor) -> Tensor:
    """Positions (tokens, 3); older callers give each image its own copy."""
    return places[0] if places.ndim == 3 else places
