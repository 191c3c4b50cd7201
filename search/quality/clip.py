"""CLIP score: how well an image fits its prompt (Hessel et al. 2021, arXiv 2104.08718)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants, is_offline_mode, snapshot_download
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

from search.errors import UserError
from search.model.quiet_loading import quiet_loading

FILES = ["*.json", "*.txt", "model.safetensors"]
"""Files of a repository that are loaded. Other formats of weights are larger or can run code."""


class ClipScorer:
    """100 times the cosine of the embeddings of image and prompt, at least 0.

    The definition is torchmetrics', written out so that images stay on the device and each prompt
    is embedded once.

    Args:
        model: embeds images and prompts.
        tokenizer: of the prompts; longer ones are cut.
        processor: the size, mean and deviation of the images in training.
    """

    def __init__(self, model: Any, tokenizer: Any, processor: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._side = processor.crop_size["height"]
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(processor.image_mean, device=model.device).view(shape)
        self._deviation = torch.tensor(processor.image_std, device=model.device).view(shape)
        self._known: dict[str, Tensor] = {}

    @classmethod
    def load(cls, path: str, device: str) -> ClipScorer:
        """The scorer of ``quality.clip_path``: a folder of ``save_pretrained``, or a hub id.

        Raises:
            UserError: it is missing. The message says what to download and where it was sought.
        """
        folder = _folder(path)
        try:
            with quiet_loading():
                model: Any = CLIPModel.from_pretrained(
                    folder, local_files_only=True, use_safetensors=True
                )
                tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
                processor = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"Cannot load quality.clip_path={path!r} as a CLIP model with tokenizer and image "
                f"processor ({reason}). Give a folder that save_pretrained wrote."
            ) from error
        return cls(model.to(device).eval(), tokenizer, processor)

    @torch.no_grad()
    def __call__(self, images: Tensor, reference: Tensor, prompts: Sequence[str]) -> Tensor:
        """Scores (n,) of images (n, 3, height, width), uint8, and their prompts."""
        shown = self._model.get_image_features(pixel_values=self._prepared(images)).pooler_output
        said = torch.stack([self._embedded(prompt) for prompt in prompts])
        return (100 * F.cosine_similarity(shown.float(), said)).clamp(min=0)

    def _prepared(self, images: Tensor) -> Tensor:
        """The images with the shorter side resized, bicubic and anti-aliased, and the centre
        cropped."""
        height, width = images.shape[-2:]
        scale = self._side / min(height, width)
        size = (max(self._side, round(height * scale)), max(self._side, round(width * scale)))
        prepared = images.float() / 255
        if size != (height, width):
            prepared = F.interpolate(prepared, size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = (size[0] - self._side) // 2, (size[1] - self._side) // 2
        prepared = prepared[..., top : top + self._side, left : left + self._side]
        return (prepared - self._mean) / self._deviation

    def _embedded(self, prompt: str) -> Tensor:
        if prompt not in self._known:
            tokens = self._tokenizer(
                [prompt],
                truncation=True,
                max_length=self._model.config.text_config.max_position_embeddings,
                return_tensors="pt",
            ).to(self._model.device)
            embedded = self._model.get_text_features(**tokens).pooler_output
            self._known[prompt] = embedded[0].float()
        return self._known[prompt]


def _folder(path: str) -> Path:
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    why = f"it is no hub id, and no folder at {str(folder)!r}"
    if path.count("/") == 1 and not path.startswith((".", "/", "~")):
        try:
            return Path(snapshot_download(path, local_files_only=is_offline_mode(),
                                          allow_patterns=FILES))  # fmt: skip
        except (OSError, ValueError) as error:
            missing = str(error).splitlines()[0]
            why = "HF_HUB_OFFLINE is set" if is_offline_mode() else missing
            why = f"it is not (wholly) in the cache {constants.HF_HUB_CACHE!r} and {why}"
    raise UserError(
        f"Cannot find the CLIP model quality.clip_path={path!r}, which clip_score needs: {why}. "
        f"Run 'hf download {path}' where there is a network, or give a folder."
    )
