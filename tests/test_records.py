"""A table of a page that a recorded file holds is that file's, figure by figure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.benchmark import tables as benchmark
from experiments.benchmark.row import Row
from experiments.engine import render
from experiments.forecast import transformer, transformer_rows
from experiments.forecast.ranking import NUMBERS, correlation
from experiments.peers import trained
from experiments.peers.compare import markdown
from experiments.search import tables as comparison
from experiments.study import tables as study
from experiments.study.recorded import recorded, shipped_trials
from experiments.study.tunings import tuned
from experiments.tuning import tables as tuning

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ROOT / "experiments"


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def record(path: str) -> Any:
    return json.loads((EXPERIMENTS / path).read_text(encoding="utf-8"))


def table_after(text: str, start: str) -> list[list[str]]:
    """Cells of the rows of the first table whose head begins with a text, without emphasis."""
    lines = text[text.index(start) :].split("\n\n")[0].splitlines()
    return [
        [cell.strip() for cell in line.replace("**", "").strip(" |").split("|")]
        for line in lines[2:]
    ]


def short(fid: float) -> str:
    """Such as 0.0082, 0.122, 1.67 and 10.3."""
    digits = 4 if fid < 0.1 else 3 if fid < 1 else 2 if fid < 10 else 1
    return f"{fid:.{digits}f}"


def test_the_benchmarks_table_is_its_record() -> None:
    rows = [Row(**row) for row in record("benchmark/results.json")["rows"]]
    assert benchmark.table(rows) == page("experiments/benchmark/results.md")


def test_the_presets_tables_are_the_recorded_study_s() -> None:
    result, presets = recorded(), shipped_trials()
    assert study.shipped(result, presets) in page("README.md")
    assert study.audited(result, presets) in page("experiments/study/README.md")
    assert study.audited(result, presets) in page("README.md")
    result, presets = recorded("pocket-flow"), shipped_trials("pocket-flow")
    assert study.shipped(result, presets) in page("docs/presets.md")
    assert study.audited(result, presets) in page("experiments/study/README.md")
    assert tuned(result) in page("experiments/study/README.md")
    assert tuned(result) in page("docs/forecasts.md")


def test_what_is_said_of_pruning_on_the_recorded_front_is_so() -> None:
    fast = [
        member.record
        for member in recorded().front
        if member.record.tuned_from is None and (member.timed_speedup or 1.0) > 6.4
    ]
    ratios = [record.schedule.kinds["full"].prune for record in fast if record.schedule]
    assert len(ratios) == len(fast) > 5
    assert all(0.1 <= prune["level_0"] <= 0.7 for prune in ratios)


def test_the_comparisons_tables_are_its_record() -> None:
    document = record("search/results.json")
    assert comparison.summary(document) in page("README.md")
    assert comparison.table(document) == page("experiments/search/results.md")
    assert comparison.table(document) in page("experiments/search/README.md")


def test_the_engines_page_is_its_record() -> None:
    paths = sorted(render.RESULTS.glob("*.json"), reverse=True)
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    assert render.page(documents) == page("docs/engine-benchmark.md")


def test_the_tables_of_other_caches_are_their_record() -> None:
    assert markdown(record("peers/results.json")["tables"]) in page("docs/models.md")
    rows = [trained.Row(**row) for row in record("peers/trained.json")["rows"]]
    assert trained.markdown(rows) in page("experiments/peers/README.md")


@pytest.mark.parametrize("name", ["results", "drivers"])
def test_the_scaling_tables_are_their_record(name: str) -> None:
    assert page(f"experiments/scaling/{name}.md") in page("docs/scaling.md")


ORDERS = {
    "`hold`": "held",
    "`linear` over the timesteps": "linear",
    "`linear` over log-SNR": "linear over log-SNR",
    "a parabola through three": "quadratic",
}
PLACES = {
    "even, `hold`": "even, hold",
    "even, `linear`": "even, linear",
    "own plan, `linear`": "own plan, linear",
    "given plan, `linear`": "given plan, linear",
}
SAMPLERS = {"DDIM": "DDIM", "Euler": "EulerDiscrete", "DPM-Solver++ 2M": "DPMSolverMultistep"}


FORECASTS = page("docs/forecasts.md")
EFFECTS: Sequence[dict[str, Any]] = record("forecast/effects.json")["rows"]


def fid_of(part: str, way: str, at: str) -> str:
    (row,) = [r for r in EFFECTS if (r["part"], r["way"], r["at"]) == (part, way, at)]
    return short(row["fid_unpatched"])


def test_what_looking_back_does_is_recorded() -> None:
    for name, *fids in table_after(FORECASTS, "| | 5 full | 6 full"):
        counts = (5, 6, 8, 10)
        expected = [fid_of("order", ORDERS[name], f"{n} full calls") for n in counts]
        assert fids == expected


def test_what_fitting_a_cut_does_is_recorded() -> None:
    held, linear, fitted = table_after(FORECASTS, "| cut | FID |")
    assert held[1] == fid_of("fit", "cut hold", "")
    assert linear[1] == fid_of("fit", "cut linear", "")
    runs = re.findall(r"\d+", fitted[0])
    expected = [fid_of("fit", "cut fitted", f"{n} runs") for n in runs]
    assert fitted[1].split(", ") == expected


def test_what_a_guidance_scale_does_is_recorded() -> None:
    for name, *fids in table_after(FORECASTS, "| | 1 | 2 | 4 | 7.5 |"):
        expected = [fid_of("guidance", PLACES[name], at) for at in ("1", "2", "4", "7.5")]
        assert fids == expected


def test_what_steps_and_samplers_do_is_recorded() -> None:
    for name, *fids in table_after(FORECASTS, "| | even, `hold` | even, `linear` | own plan"):
        sampler, steps = name.removesuffix(" steps").split(", ")
        known = ("sampler", SAMPLERS[sampler]) if steps == "50" else ("steps", steps)
        assert fids == [fid_of(known[0], way, known[1]) for way in PLACES.values()]


def test_what_planned_timesteps_do_for_fewer_steps_is_recorded() -> None:
    rows = record("forecast/rivals.json")["rows"]
    for scale in ("2", "4"):
        for name, *fids in table_after(FORECASTS, f"| scale {scale} | 5 | 6"):
            mine = [r for r in rows if (r["part"], r["way"]) == (f"guidance {scale}", name)]
            assert fids == [short(row["fid_unpatched"]) for row in mine]


def test_what_a_tuned_sampler_does_at_other_scales_is_recorded() -> None:
    rows = record("tuning/transfer.json")["rows"]
    for calls in {row["calls"] for row in rows}:
        assert tuning.transfer(rows, calls) in FORECASTS


def test_what_outputs_cuts_and_pruning_do_on_a_transformer_is_recorded() -> None:
    rows = [transformer_rows.Row(**row) for row in record("forecast/transformer.json")["rows"]]
    assert transformer.by_calls(rows) in FORECASTS
    assert transformer.by_cost(rows) in FORECASTS


def test_the_correlations_of_predicted_damage_are_the_recorded_ones() -> None:
    rows = record("forecast/ranking.json")["schedules"]
    shown = table_after(page("docs/design-notes.md"), "| between full calls | schedules |")
    outputs = ("hold", "linear", "fitted")
    shallow = [f"{output} with shallow calls" for output in outputs]
    for groups, cells in zip((("all",), outputs, shallow), shown, strict=True):
        chosen = [[row for row in rows if group in ("all", row["group"])] for group in groups]
        for column, name in ((2, NUMBERS[1]), (-1, NUMBERS[2])):
            expected = " / ".join(f"{correlation(each, name):.3f}" for each in chosen)
            assert cells[column] == expected
        assert cells[1] == " / ".join(str(len(each)) for each in chosen)


def test_the_table_of_other_runtimes_is_its_record() -> None:
    differences = record("anywhere/results/onnx.json")["largest difference over largest latent"]
    rows = table_after(page("experiments/anywhere/README.md"), "| preset |")
    assert [cells[1] for cells in rows] == [f"{value:.1e}" for value in differences.values()]
    assert max(differences.values()) < 1.25e-6, "docs/sampler-file.md says 1.2e-6"


def test_what_serving_says_is_its_record() -> None:
    recorded = record("serving/results.json")
    rates = recorded["pictures a second of CPU time"]
    rows = table_after(page("docs/serving.md"), "| eight clients at once |")
    spans = [f"{rate['lowest']:.2f} to {rate['highest']:.2f}" for rate in rates.values()]
    assert [cells[1] for cells in rows] == spans
    fast, plain = (rate["lowest"] for rate in rates.values())
    applied = recorded["apply, ms of CPU time"]
    text = page("docs/serving.md")
    assert f"That is {fast / plain:.0f} times as many" in text
    assert f"took {applied['preset']} ms" in text
    assert f"{applied['without its fingerprint']} without its" in text
    assert f"took {recorded['largest memory, MiB']} MiB" in text
    assert recorded["equal to the client's own"] == recorded["pictures at once"]
    assert recorded["different clients' pictures"] == recorded["clients"]
