"""Writes pictures: all in one grid, or also each in a file of its own."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dato.files import replace_bytes
from search.cli.grid import Pictures, grid, rows_of
from search.cli.places import check_file_place, check_folder_place
from search.errors import UserError
from search.model.prompt_images import ImageRequest
from search.records.names import slug


@dataclass(frozen=True)
class Target:
    """The picture, or the folder for pictures, that ``--out`` names.

    Raises:
        UserError: no picture has this suffix, or the place cannot be written.
    """

    path: Path

    def __post_init__(self) -> None:
        formats = sorted(Image.registered_extensions())
        if not self.is_folder and self.path.suffix.lower() not in formats:
            raise UserError(
                f"--out={str(self.path)!r} is no picture, because of its suffix "
                f"{self.path.suffix!r}. Give a picture, such as grid.png, or a folder."
            )
        (check_folder_place if self.is_folder else check_file_place)("--out", self.path)

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir() or not self.path.suffix

    def save(
        self, requests: Sequence[ImageRequest], pictures: Pictures, per_row: int
    ) -> Iterator[Path]:
        """Write the grid, and into a folder each picture too; the paths that were written.

        Args:
            per_row: pictures of one prompt. If there are several, each prompt begins a new row.
        """
        whole = grid(pictures, rows_of(len(requests), per_row), requests)
        if not self.is_folder:
            yield _write(whole, self.path)
            return
        for made_by, images in pictures.items():
            for number, (request, image) in enumerate(zip(requests, images, strict=True), 1):
                name = f"{number:02}-{slug(request.prompt)[:40]}-{request.seed}-{slug(made_by)}.png"
                yield _write(image, self.path / name, _text_chunks(request, made_by))
        yield _write(whole, self.path / "grid.png")


def _text_chunks(request: ImageRequest, made_by: str) -> PngInfo:
    """What the picture was made from, for its file: enough to make it again."""
    facts = PngInfo()
    for key, value in {
        "prompt": request.prompt,
        "seed": str(request.seed),
        "preset": made_by,
    }.items():
        facts.add_itxt(key, value)
    return facts


def _write(image: Image.Image, path: Path, text: PngInfo | None = None) -> Path:
    buffer = io.BytesIO()
    try:
        kind = Image.registered_extensions()[path.suffix.lower()]
        image.save(buffer, kind, **({} if text is None else {"pnginfo": text}))
        replace_bytes(path, buffer.getvalue())
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"Cannot write {str(path)!r}: {error}. Choose another --out.") from error
    return path
