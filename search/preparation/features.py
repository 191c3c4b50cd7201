"""Keeps the FIDs of one study to one feature network."""

from __future__ import annotations

from pydantic import Field

from dato.preset.fields import StrictModel
from search.errors import UserError
from search.quality.features import FeatureNetwork
from search.records.folder import StudyFolder
from search.records.reading import read_model
from search.records.writing import write_json

REMEDY = "Put a copy of it back, or start a new sweep."


class KeptFeatures(StrictModel):
    """``features.json``: name and digest of the network behind a study's FIDs."""

    name: str = Field(max_length=200)
    digest: str = Field(max_length=200)


def require_same_features(folder: StudyFolder, network: FeatureNetwork) -> None:
    """Keep the network's digest in the study folder, or compare it with the one kept there.

    FIDs of different features do not compare: an embedded network of another version gives them
    another unit.

    Raises:
        UserError: the study was measured with other weights, or the file is damaged. Folders from
            before the digest was kept were measured with the embedded network's first version.
    """
    now = KeptFeatures(name=network.name, digest=network.digest)
    kept = kept_features(folder)
    if kept is None and not (network.name == "pocket" and folder.reference_images.is_file()):
        write_json(folder.features, now.model_dump())
        return
    if kept != now:
        raise UserError(
            f"{str(folder.root)!r} was measured with other weights of quality.features="
            f"{network.name} than the installed ones, so that new FIDs would not compare with its "
            "own. Start a new study; report, front and export still show this one."
        )


def kept_features(folder: StudyFolder) -> KeptFeatures | None:
    """What a study keeps; None in a study from before it was kept.

    Raises:
        UserError: the file is damaged.
    """
    if not folder.features.exists():
        return None
    return read_model(folder.features, KeptFeatures, REMEDY)
