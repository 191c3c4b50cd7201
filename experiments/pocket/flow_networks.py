"""The untrained parts of pocket-flow: Stable Diffusion 3's topology, narrow.

The codec, the tokenizer and the first text encoder's weights are pocket's.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    AutoencoderTiny,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from experiments.pocket.codec import CHANNELS
from experiments.pocket.networks import tidy

TOKENS = 16  # per side: 32x32 latents in patches of 2x2
WIDTH, HEADS, BLOCKS = 128, 4, 7
SHIFT = 2.0  # of the sampler's timesteps towards noise
# Both make the tokens' embeddings vary by about one at the start. Pocket's encoder was trained with
# a normalisation after its last layer: inside, its numbers deviate by 6, and its words by 0.07.
_MEANING_SCALE, _WORD_SCALE = 6.0, 10.0


@dataclass(frozen=True)
class FlowNetworks:
    """What is trained: the transformer and the two text encoders that feed it."""

    transformer: SD3Transformer2DModel
    texts: tuple[CLIPTextModelWithProjection, CLIPTextModelWithProjection]

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """All of them, the transformer first."""
        return (self.transformer, *self.texts)

    def velocity(self, latents: Tensor, times: Tensor, tokens: Tensor) -> Tensor:
        """The velocity noise - clean that the transformer predicts.

        Args:
            latents: (n, 6, h, w).
            times: the share of noise in the latents, 0 to 1: (n,).
            tokens: int64 (n, length).
        """
        context, pooled = self.read(tokens)
        predicted: Tensor = self.transformer(latents, context, pooled, 1000 * times).sample
        return predicted

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(n, length, 128) and pooled (n, 128), as `StableDiffusion3Pipeline` reads captions."""
        outputs = [text(tokens, output_hidden_states=True) for text in self.texts]
        context = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1)
        return context, torch.cat([output.text_embeds for output in outputs], dim=-1)


def build_flow(text_encoder: Path) -> FlowNetworks:
    """Untrained networks; both text encoders start from the weights of pocket's at a folder.

    The pipeline takes its tokens' embeddings from the last layer but one. So the second encoder,
    of one layer, gives the words as they are, and the first what they mean together.
    """
    width = CLIPTextConfig.from_pretrained(text_encoder).hidden_size
    transformer = SD3Transformer2DModel(
        sample_size=2 * TOKENS,
        patch_size=2,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_layers=BLOCKS,
        attention_head_dim=WIDTH // HEADS,
        num_attention_heads=HEADS,
        joint_attention_dim=2 * width,
        caption_projection_dim=WIDTH,
        pooled_projection_dim=2 * width,
        pos_embed_max_size=TOKENS,
        qk_norm="rms_norm",
    )
    _start_closed(transformer)
    texts = _text(text_encoder, layers=3), _text(text_encoder, layers=1)
    with torch.no_grad():
        transformer.context_embedder.weight[:, :width] /= _MEANING_SCALE
        # The layer normalises what it reads, so this changes nothing but the words' weight.
        for embedding in texts[1].text_model.embeddings.children():
            embedding.weight *= _WORD_SCALE
    return FlowNetworks(transformer, texts)


def _start_closed(transformer: SD3Transformer2DModel) -> None:
    """Every block starts as the identity, and the output as zero (DiT's adaLN-Zero)."""
    for name, module in transformer.named_modules():
        if isinstance(module, nn.Linear):
            closed = name == "proj_out" or name.endswith(("norm1.linear", "norm1_context.linear"))
            closed = closed or name == "norm_out.linear"
            (nn.init.zeros_ if closed else nn.init.xavier_uniform_)(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    projection = transformer.pos_embed.proj
    nn.init.xavier_uniform_(projection.weight.view(len(projection.weight), -1))


def _text(folder: Path, layers: int) -> CLIPTextModelWithProjection:
    encoder = CLIPTextModelWithProjection.from_pretrained(folder, num_hidden_layers=layers)
    nn.init.eye_(encoder.text_projection.weight)
    return encoder


def set_coarse(transformer: SD3Transformer2DModel, coarse: bool) -> None:
    """Spread the positions over 8x8 tokens in place of 16x16, or undo it.

    So 16x16 latents of half-sized images, at a quarter of the cost, teach what stands where.
    """
    embedding = transformer.pos_embed
    side = TOKENS // 2 if coarse else TOKENS
    if embedding.pos_embed_max_size == side:
        return
    if coarse:
        table = embedding.pos_embed.view(1, TOKENS, TOKENS, -1).movedim(-1, 1)
        pooled = nn.functional.avg_pool2d(table, 2).flatten(2).movedim(1, 2)
        embedding.fine_positions, embedding.pos_embed = embedding.pos_embed, pooled
    else:
        embedding.pos_embed = embedding.fine_positions
        del embedding.fine_positions
    embedding.pos_embed_max_size = side


def save_flow_pipeline(
    folder: Path, vae: AutoencoderTiny, tokenizer: CLIPTokenizer, networks: FlowNetworks
) -> None:
    """Write an ordinary diffusers folder. There is no third text encoder."""
    set_coarse(networks.transformer, coarse=False)
    first, second = networks.texts
    pipeline = StableDiffusion3Pipeline(
        transformer=networks.transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SHIFT),
        vae=vae,
        text_encoder=first,
        tokenizer=tokenizer,
        text_encoder_2=second,
        tokenizer_2=tokenizer,
        text_encoder_3=None,
        tokenizer_3=None,
    )
    pipeline.save_pretrained(folder)
    tidy(folder / "vae" / "config.json", ("block_out_channels", "_name_or_path"))


def load_flow(folder: Path) -> FlowNetworks:
    """The networks of a pipeline folder, to go on training from."""
    texts = [
        CLIPTextModelWithProjection.from_pretrained(folder / name)
        for name in ("text_encoder", "text_encoder_2")
    ]
    transformer = SD3Transformer2DModel.from_pretrained(folder / "transformer")
    return FlowNetworks(transformer, (texts[0], texts[1]))
