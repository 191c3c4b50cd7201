"""One image file as the picture that a person sees in it.

Where pytorch-fid's reader (``Image.open(path).convert("RGB")``) gives that picture, so does this
one, to the bit. Where it gives another one, the file is turned upright or refused.
"""

from __future__ import annotations

from PIL import Image, ImageOps

EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
"""Pillow's modes that have at most 8 bits for a channel. Of others, ``convert`` cuts off what is
above 255."""


def problem_of(image: Image.Image) -> str:
    """Why an image would not be read as it looks; empty if it would. Pixels are decoded only where
    the image has an alpha channel or a transparent colour.

    Raises:
        OSError, ValueError: the pixels cannot be decoded.
    """
    if image.mode not in EIGHT_BITS:
        return f"its pixels have more than 8 bits (mode {image.mode}): convert it to 8 bits"
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A").getextrema()
        if alpha != (255, 255):
            return "some pixels are transparent, so their colours are not seen: flatten it"
    return ""


def as_seen(image: Image.Image) -> Image.Image:
    """The image in RGB, turned as its EXIF data say. Of several frames or pages it is the first."""
    return ImageOps.exif_transpose(image).convert("RGB")
