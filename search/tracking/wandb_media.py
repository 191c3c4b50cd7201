"""Tables, plots and pictures of a study, as W&B shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from search.metrics import metric
from search.records.folder import StudyFolder
from search.records.front import FrontMember
from search.records.names import sample_path
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.report.plots import front_figure
from search.tracking.summary import (
    FRONT_COLUMNS,
    RIVAL_COLUMNS,
    columns,
    front_row,
    rival_row,
    table_row,
    told,
)


def media_of(result: StudyResult, folder: StudyFolder) -> dict[str, Any]:
    """The tables of trials and presets, both Pareto plots and the sample grids."""
    import wandb

    def table(records: Iterable[TrialRecord]) -> Any:
        names = columns(result)
        kept, data = told(names, [table_row(record, names) for record in records])
        return wandb.Table(columns=kept, data=data)

    scored = [record for record in result.records if record.quality is not None]
    media: dict[str, Any] = {"trials": table(result.records)}
    if scored:
        objective = result.objective
        title = f"{metric(objective).label} against speed-up"
        media["pareto"] = wandb.plot.scatter(table(scored), "speedup", objective, title=title)
    members = (*([result.baseline] if result.baseline else []), *result.front)
    if result.rivals:
        kept, data = told(RIVAL_COLUMNS, [rival_row(each) for each in result.rivals])
        media["rivals"] = wandb.Table(columns=kept, data=data)
    if members:
        media["presets"] = _front_table(members, result.objective, folder)
    figure = front_figure(result)
    if figure is not None:
        media["pareto_interactive"] = wandb.Plotly(figure)
    grids = [
        wandb.Image(str(path), caption=member.name)
        for member in members
        if (path := sample_path(folder, member.name)) is not None
    ]
    if grids:
        media["samples"] = grids
    return media


def _front_table(members: Sequence[FrontMember], objective: str, folder: StudyFolder) -> Any:
    """A line for each member with its sample images; the same prompts and noise in all."""
    import wandb

    kept, data = told(FRONT_COLUMNS, [front_row(member, objective) for member in members])
    table = wandb.Table(columns=[*kept, "images"])
    for member, row in zip(members, data, strict=True):
        path = sample_path(folder, member.name)
        image = None if path is None else wandb.Image(str(path), caption=member.name)
        table.add_data(*row, image)
    return table
