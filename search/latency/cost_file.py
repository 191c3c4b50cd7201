"""Reads cost tables: strictly, and with one error for whatever else a file may hold."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from search.errors import ConfigError, UserError
from search.latency.cost_table import VERSION, CostTable
from search.records.reading import read_text


def load_cost_table(path: Path) -> CostTable:
    """Read what :meth:`CostTable.save` wrote.

    Raises:
        UserError: the file cannot be read, is no cost table, or of another version; ConfigError,
            one of them, lists every mistake of a table of this version.
    """
    text = read_text(path, "A cost table is a JSON file that 'dato-search calibrate' wrote.")
    _check_head(path, text)
    try:
        return CostTable.model_validate_json(text)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        raise ConfigError(f"The cost table {str(path)!r}", problems) from None


def _check_head(path: Path, text: str) -> None:
    """Refuse what is no table, or one of another version, before looking at anything else."""
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The cost table {str(path)!r} is not JSON.") from error
    if not isinstance(head, dict) or head.get("format") != "dato-cost-table":
        raise UserError(f'{str(path)!r} is no cost table (it has no "format": "dato-cost-table").')
    if head.get("version") != VERSION:
        raise UserError(
            f"The cost table {str(path)!r} has version {head.get('version')!r}, and this reads "
            f"version {VERSION}. Measure it again: dato-search calibrate."
        )
