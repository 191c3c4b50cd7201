"""What a study found, in sentences. Those at the beginning are about the member of its headline."""

from __future__ import annotations

from search.metrics import metric
from search.records.front import FrontMember
from search.records.headline import headline
from search.records.headline_text import headline_text
from search.records.result import StudyResult
from search.records.rival import Rival
from search.records.rivals import dominating_rival, gain
from search.records.tuned import left_out_text, tuned_text
from search.records.undecided import undecided_text

TABLE_ERROR = 0.1
"""Mean error of the cost table's speed-ups from which on a reader is told what to do."""


def findings(result: StudyResult) -> tuple[str, ...]:
    """What the study found: how much faster it got, what that costs, whether fewer steps would have
    done as well, and what it took to know that."""
    first = headline(result)
    beside = "" if first.subject is None else beside_fewer_steps(first.subject, result)
    told = [headline_text(result), beside, undecided_text(result), *_tuned(result)]
    told += [_dominated(result), _table(result), _spent(result)]
    return tuple(sentence for sentence in told if sentence)


def _tuned(result: StudyResult) -> list[str]:
    """How the tuned members were before, and why other tuned trials are no members."""
    shown = {member.record.number for member in result.front}
    told = [tuned_text(member, result) for member in result.front]
    return told + [
        left_out_text(record, result.records)
        for record in result.records
        if record.tuned_from is not None and record.number not in shown
    ]


def beside_fewer_steps(member: FrontMember, result: StudyResult) -> str:
    """How a member compares with the rivals; ``""`` where none was measured."""
    over = gain(member, result)
    if over is None:
        return ""
    same = f"at the same {metric(result.objective).title}"
    best = f"(the best: {over.beside})"
    if over.most:
        return (
            f"Every rival is better than {member.name} by its {metric(result.objective).title}: "
            f"use one of those, or a slower preset {best}."
        )
    if over.quotable:
        return f"{member.name} is {over} times as fast as fewer steps {same} {best}."
    if over.least:
        title = metric(result.objective).title
        return f"Fewer steps never reach the {title} of {member.name} {best}."
    return f"Fewer steps are {1 / over.times:.1f} times as fast as {member.name} {same} {best}."


def dominated(result: StudyResult) -> tuple[tuple[FrontMember, Rival], ...]:
    """The members that a rival dominates, each with that rival."""
    return tuple(
        (member, rival)
        for member in result.front
        if (rival := dominating_rival(member, result)) is not None
    )


def _dominated(result: StudyResult) -> str:
    beaten = dominated(result)
    if not beaten:
        return ""
    pairs = ", ".join(f"{member.name} by {rival.name}" for member, rival in beaten[:3])
    more = "" if len(beaten) <= 3 else f" and {len(beaten) - 3} more"
    return (
        f"Fewer steps are no slower and no worse than {len(beaten)} of {len(result.front)} members "
        f"of the front ({pairs}{more}); export.dominated=true makes them presets all the same."
    )


def _table(result: StudyResult) -> str:
    error, worst = result.cost_table_error, result.cost_table_worst
    if error is None or error <= TABLE_ERROR:
        return ""
    most = "" if worst is None else f", and {worst:.0%} at worst"
    return (
        f"The cost table's speed-ups are {error:.0%} off on average{most}: the search chose by "
        "wrong times. Names and headline are timed, so they stand. Measure again while nothing "
        "else runs (dato-search cost-table), and start a new study with latency.tables=[FILE]."
    )


def _spent(result: StudyResult) -> str:
    rivals = sum(rival.seconds for rival in result.rivals)
    if not rivals:
        return ""
    tuned = sum(record.seconds for record in result.records if record.tuned_from is not None)
    trials = sum(record.seconds for record in result.records) - tuned
    tuning = f"tuning {tuned / 60:.1f}, " if tuned else ""
    return f"The trials took {trials / 60:.1f} minutes, {tuning}the rivals {rivals / 60:.1f}."
