"""A grid of pictures that a person can read: large enough, and with words at every picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import combining, normalize

from PIL import Image, ImageDraw, ImageFont

from search.model.prompt_images import ImageRequest

COLUMNS = 6
SEEN = 256
"""The least side of a picture in a grid. Smaller ones are enlarged by whole factors, so that each
pixel stays as it is."""
GAP, TEXT, LINE = 8, 14, 18
"""Pixels between neighbours, of letters, and of a line of text."""
MOST_LINES = 3
"""Lines of a prompt below a picture."""
INK, PAPER = "black", "white"

Pictures = Mapping[str, Sequence[Image.Image]]
"""One picture for each request, by what made it: ``"unpatched"`` or a preset's name."""


@dataclass(frozen=True)
class Grid:
    """Where everything is. A row of pictures is repeated for each preset, one below the other, and
    under what made it.

    Args:
        rows: the pictures of each row.
        bands: rows of pictures with the same requests, one for each preset.
        picture: width and height of each, as made; ``factor``: how many times as large it is shown.
        columns: pictures of the longest row.
        lines: lines of text below each picture.
    """

    rows: Sequence[range]
    bands: int
    picture: tuple[int, int]
    factor: int
    columns: int
    lines: int

    @classmethod
    def of(cls, pictures: Pictures, rows: Sequence[range], captions: Sequence[str]) -> Grid:
        """The smallest grid that shows all."""
        picture = next(iter(pictures.values()))[0].size
        factor = max(1, -(-SEEN // min(picture)))
        width = factor * picture[0]
        lines = max(len(wrapped(caption, width)) for caption in captions)
        return cls(rows, len(pictures), picture, factor, max(map(len, rows)), lines)

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of an enlarged picture."""
        return self.factor * self.picture[0], self.factor * self.picture[1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole."""
        width, _ = self.cell
        bands = len(self.rows) * self.bands
        return self.columns * (width + GAP) + GAP, bands * self._band + GAP

    @property
    def _band(self) -> int:
        """Height of a row with its heading and captions."""
        return LINE + self.cell[1] + self.lines * LINE + GAP

    def corner(self, row: int, band: int, column: int) -> tuple[int, int]:
        """The upper left corner of a picture."""
        above = (row * self.bands + band) * self._band
        return GAP + column * (self.cell[0] + GAP), GAP + above + LINE


def grid(
    pictures: Pictures, rows: Sequence[range], requests: Sequence[ImageRequest]
) -> Image.Image:
    """All pictures, each with its prompt and seed below, each row under what made it."""
    captions = [f"seed {request.seed}: {_drawn(request.prompt)}" for request in requests]
    layout = Grid.of(pictures, rows, captions)
    sheet = Image.new("RGB", layout.size, PAPER)
    pen, font = ImageDraw.Draw(sheet), _font()
    width, height = layout.cell
    for place, row in enumerate(rows):
        for band, (made_by, images) in enumerate(pictures.items()):
            left, top = layout.corner(place, band, 0)
            heading = wrapped(_drawn(made_by), layout.size[0] - 2 * GAP, 1)[0]
            pen.text((left, top - LINE), heading, INK, font)
            for column, index in enumerate(row):
                left, top = layout.corner(place, band, column)
                large = images[index].resize((width, height), Image.Resampling.NEAREST)
                sheet.paste(large, (left, top))
                text = "\n".join(wrapped(captions[index], width))
                pen.multiline_text((left, top + height), text, INK, font, spacing=LINE - TEXT)
    return sheet


def rows_of(count: int, per_row: int) -> list[range]:
    """The pictures of each row: those of one prompt, or of several prompts that have one each."""
    group = per_row if per_row > 1 else count
    return [
        range(left, min(left + COLUMNS, start + group, count))
        for start in range(0, count, group)
        for left in range(start, start + group, COLUMNS)
    ]


def wrapped(text: str, width: int, most: int = MOST_LINES) -> list[str]:
    """Text in lines of at most ``width`` pixels; dots end what does not fit ``most`` lines."""
    font, lines = _font(), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    lines = [line for line in lines if line] or [""]
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and font.getlength(f"{last}...") > width:
        last = last[:-1]
    return [*lines[: most - 1], f"{last}..."]


def _drawn(text: str) -> str:
    """Letters without the accents that the font lacks."""
    return "".join(each for each in normalize("NFKD", text) if not combining(each))


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(TEXT)
