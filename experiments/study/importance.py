"""Why parameter importance is not PED-ANOVA's: both, on the recorded study and on shuffled ones.

python -m experiments.study.importance

In a shuffled study the parameters of the complete trials are dealt to other trials, so that none
of them says anything about the FID.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from search.records.files import trials_from_json
from search.records.progress import metric_value
from search.records.record import TrialRecord
from search.report.importance import importance

HERE = Path(__file__).parent
OBJECTIVE = "fid_reference"
SHUFFLES, GOOD = 20, 0.25


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    text = (HERE / "trials.json").read_text(encoding="utf-8")
    complete = [record for record in trials_from_json(text) if record.state == "complete"]
    print(f"{len(complete)} complete trials, optuna {optuna.__version__}")
    print("recorded, PED-ANOVA:", _text(ped_anova(complete)))
    print("recorded, ours:     ", _text(importance(complete, OBJECTIVE).fid))
    studies = [shuffled(complete, seed) for seed in range(SHUFFLES)]
    largest = sorted(max(ped_anova(records).values()) for records in studies)
    shown = sum(bool(importance(records, OBJECTIVE).fid) for records in studies)
    print(
        f"{SHUFFLES} shuffles: PED-ANOVA's largest share {largest[0]:.2f} to {largest[-1]:.2f}, "
        f"median {largest[SHUFFLES // 2]:.2f}; ours shows a parameter in {shown}"
    )


def shuffled(records: Sequence[TrialRecord], seed: int) -> list[TrialRecord]:
    """The same trials with each other's parameters."""
    params = [record.params for record in records]
    random.Random(seed).shuffle(params)
    return [replace(record, params=dealt) for record, dealt in zip(records, params, strict=True)]


def ped_anova(records: Sequence[TrialRecord]) -> Mapping[str, float]:
    """Optuna's importance for a low FID, over the ranges that were tried."""
    names = list(records[0].params)
    ranges = {name: _range([float(record.params[name]) for record in records]) for name in names}
    study = optuna.create_study()
    study.add_trials(
        create_trial(
            params=dict(record.params),
            distributions=ranges,
            value=metric_value(record.quality, OBJECTIVE),
        )
        for record in records
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = PedAnovaImportanceEvaluator(target_quantile=GOOD)
        return get_param_importances(study, evaluator=evaluator)


def _range(values: Sequence[float]) -> BaseDistribution:
    if all(value.is_integer() for value in values):
        return IntDistribution(int(min(values)), int(max(values)))
    return FloatDistribution(min(values), max(values))


def _text(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in shares.items())


if __name__ == "__main__":
    main()
