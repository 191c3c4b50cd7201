"""Keeps the FIDs of one study to one feature network."""

from __future__ import annotations

import json

from search.errors import UserError
from search.quality.features import FeatureNetwork
from search.records.folder import StudyFolder, write_json


def require_same_features(folder: StudyFolder, network: FeatureNetwork) -> None:
    """Keep the network's digest in the study folder, or compare it with the one kept there.

    FIDs of different features do not compare: an embedded network of another version gives them
    another unit.

    Raises:
        UserError: the study was measured with other weights. Folders from before the digest was
            kept were measured with the embedded network's first version.
    """
    now = {"name": network.name, "digest": network.digest}
    try:
        kept = json.loads(folder.features.read_text())
    except FileNotFoundError:
        kept = {} if network.name == "pocket" and folder.reference_images.is_file() else now
        if kept:
            write_json(folder.features, now)
    if kept != now:
        raise UserError(
            f"{str(folder.root)!r} was measured with other weights of quality.features="
            f"{network.name} than the installed ones, so that new FIDs would not compare with its "
            "own. Start a new study; report, front and export still show this one."
        )
