"""Reads cost tables strictly. Whatever else a file may hold gives one error."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from search.errors import ConfigError, UserError
from search.latency.cost_table import READABLE, VERSION, CostTable
from search.model.cost_setting import Work
from search.records.reading import read_text
from search.settings.mistakes import sentences


def load_cost_table(path: Path) -> CostTable:
    """Read what :meth:`CostTable.save` wrote.

    Raises:
        UserError: the file cannot be read, is no cost table, or has another version.
        ConfigError: it is a table of this version with mistakes; the message lists all of them.
    """
    text = read_text(path, "Give a JSON file that 'dato-search cost-table' wrote.")
    _check_head(path, text)
    try:
        return CostTable.model_validate_json(text)
    except ValidationError as error:
        raise ConfigError(
            f"The cost table {str(path)!r} cannot be read", sentences(error)
        ) from None


def _check_head(path: Path, text: str) -> None:
    """Refuse a file that is no table, or of another version, before anything else is checked."""
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"Cannot read the cost table {str(path)!r}: it is not JSON. Measure it again: "
            "dato-search cost-table."
        ) from error
    if not isinstance(head, dict) or head.get("format") != "dato-cost-table":
        raise UserError(
            f"{str(path)!r} is not a cost table: its format is not 'dato-cost-table'. Give a file "
            "that 'dato-search cost-table' wrote."
        )
    if head.get("version") not in READABLE:
        raise UserError(
            f"Cannot read the cost table {str(path)!r}: it has version {head.get('version')!r}, "
            f"not {VERSION}. Measure it again: dato-search cost-table."
        )


def require_same_work(work: Work, table: CostTable, source: str) -> None:
    """Raise :class:`UserError` where a table was measured for other work."""
    unlike = work.differences(table.work)
    if unlike:
        raise UserError(
            f"The cost table {source!r} ({table.work.model}) does not price this study's work "
            f"({work.model}): {'; '.join(unlike)}. Measure one with the study's model "
            "settings (dato-search cost-table), in a new study."
        )
