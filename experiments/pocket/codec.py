"""The latent codec: a linear encoder found in closed form and a small decoder to be trained."""

import torch
from diffusers import AutoencoderTiny
from torch import Tensor

PATCH = 12  # values of a 2x2 RGB patch
CHANNELS = 6
# AutoencoderTiny bounds latents by tanh(z / 3) * 3. Halved latents stay in its straight part.
SCALING_FACTOR = 2.0


def build_codec() -> AutoencoderTiny:
    """An untrained codec: images 64x64, latents 6 x 32x32."""
    return AutoencoderTiny(
        encoder_block_out_channels=(PATCH, PATCH),
        decoder_block_out_channels=(20, 20),
        num_encoder_blocks=(0, 0),
        num_decoder_blocks=(1, 1),
        latent_channels=CHANNELS,
        scaling_factor=SCALING_FACTOR,
    )


def fit_encoder(codec: AutoencoderTiny, images: Tensor) -> list[float]:
    """Set the encoder to pixel_unshuffle and PCA of images: float (n, 3, h, w) in [0, 1].

    Channels keep the square root of their spread: in plain PCA the edge channels are so faint that
    noise hides them, and fully whitened they are rare spikes that are hard to predict.
    Returns the standard deviations of the six latents as the pipeline sees them.
    """
    patches = torch.nn.functional.pixel_unshuffle(images, 2).movedim(1, -1).reshape(-1, PATCH)
    mean = patches.mean(0)
    variance, axes = torch.linalg.eigh(torch.cov(patches.T.double()))
    order = variance.argsort(descending=True)[:CHANNELS]
    spread = variance[order].sqrt()
    target = (spread / spread[0]).sqrt()
    project = (axes[:, order] * (target / spread)).T.float() / SCALING_FACTOR
    _write_encoder(codec, project, -project @ mean)
    return [round(value, 4) for value in target.tolist()]


def _write_encoder(codec: AutoencoderTiny, project: Tensor, bias: Tensor) -> None:
    first, strided, last = codec.encoder.layers
    for layer in (first, strided, last):
        torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(first.bias)
    with torch.no_grad():
        for colour in range(3):
            first.weight[colour, colour, 1, 1] = 1.0
            for row in range(2):
                for column in range(2):
                    # The strided kernel is centred on the patch's first pixel.
                    target = colour * 4 + row * 2 + column
                    strided.weight[target, colour, 1 + row, 1 + column] = 1.0
        last.weight[:, :, 1, 1] = project
        last.bias.copy_(bias)
    for parameter in codec.encoder.parameters():
        parameter.requires_grad_(False)


def encode(codec: AutoencoderTiny, images: Tensor) -> Tensor:
    """Latents as the pipeline sees them, for images: uint8 (n, 3, h, w)."""
    with torch.no_grad():
        latents: Tensor = codec.encode(images.float() / 127.5 - 1.0).latents
    return latents * SCALING_FACTOR


def decode(codec: AutoencoderTiny, latents: Tensor) -> Tensor:
    """Images: float (n, 3, h, w) in about [0, 1], from latents as the pipeline sees them."""
    images: Tensor = codec.decode(latents / SCALING_FACTOR).sample
    return images * 0.5 + 0.5
