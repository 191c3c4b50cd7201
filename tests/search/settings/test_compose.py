"""Overrides compose into one validated configuration; mistakes are explained all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from search.errors import ConfigError, UserError
from search.settings import parse_config
from search.settings.compose import compose_config, load_config, save_config

CONF = Path(__file__).parents[3] / "conf"
OPTIONS = sorted(
    (path.parent.name, path.stem) for path in CONF.glob("*/*.yaml") if path.parent.name != "model"
)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_yaml_composes_and_validates(group: str, option: str) -> None:
    given = ["model.prompts=prompts.txt", "quality.real=none", "study.folder=studies/x"]
    if option in ("postgres", "slurm"):
        given += ["storage=postgres", "storage.url=postgresql://me@db.example/optuna"]
    config = compose_config([f"{group}={option}", *given])
    assert config.study.folder == "studies/x"


def test_a_custom_model_needs_its_path_and_prompts() -> None:
    with pytest.raises(UserError, match=r"model\.path"):
        compose_config(["model=custom"])
    config = compose_config(["model=custom", "model.path=folder", "model.prompts=prompts.txt"])
    assert (config.model.path, config.model.prompts) == ("folder", "prompts.txt")


@pytest.mark.parametrize("name", ["sd15", "sd21", "sdxl", "pixart"])
def test_a_published_model_needs_nothing_but_prompts(name: str) -> None:
    with pytest.raises(UserError, match=r"model\.prompts"):
        compose_config([f"model={name}"])
    config = compose_config([f"model={name}", "model.prompts=prompts.txt"])
    assert (config.model.architecture, config.model.weights) == (name, "pretrained")
    assert config.study.name == f"{name}-planned"


def test_overrides_reach_the_configuration() -> None:
    config = compose_config(["space=layered", "sampler=nsga2", "budget.trials=200"])
    assert config.space["name"] == "layered"
    assert config.sampler.name == "nsga2"
    assert config.budget.trials == 200
    assert config.study.folder.startswith("studies/pocket-layered-")


@pytest.mark.parametrize(
    "typed",
    [
        "model.scheduler_settings={use_karras_sigmas: true, solver_order: 3}",
        "+model.scheduler_settings={use_karras_sigmas: true, solver_order: 3}",
        "model.scheduler_settings.use_karras_sigmas=true model.scheduler_settings.solver_order=3",
    ],
)
def test_settings_of_a_scheduler_are_typed_as_the_page_says(typed: str) -> None:
    given = [typed] if "{" in typed else typed.split()
    config = compose_config(["model=pocket", *given])
    assert config.model.scheduler_settings == {"use_karras_sigmas": True, "solver_order": 3}


@pytest.mark.parametrize("value", [">=5", '">=5"', "'>=5'", ">=5,<=9"])
def test_constraints_are_written_with_or_without_quotes(value: str) -> None:
    config = compose_config([f"constraints.speedup={value}", "constraints.fid=<=baseline+0.5"])
    assert config.constraints.speedup == value.strip("'\"")
    assert config.constraints.fid == "<=baseline+0.5"


def test_any_metric_is_objective_constraint_or_record() -> None:
    config = compose_config(
        ["quality.objective=ssim", "quality.record=[psnr,kid_reference]", "constraints.lpips=<=0.2",
         "constraints.fid=<=baseline+1", "constraints.ssim=>=0.9"]
    )  # fmt: skip
    assert config.metrics() == ("ssim", "psnr", "kid_reference", "lpips")
    assert set(config.limits().bounds) == {"fid_reference", "lpips", "ssim"}
    assert parse_config(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("constraints.psnr=<=25", "refuses a psnr for being high, and a higher one .*Write >="),
        ("constraints.kid_real=>=1", "a kid_real for being low, and a lower one is always welcome"),
        ("+constraints.sharpness=>=1", "'sharpness' is not a metric"),
        ("quality.objective=fid_reel", "Did you mean 'fid_real'"),
        ("quality.objective=fid_real_bound", "a bound and not a measurement.*fid_real"),
        ("quality.record=[psrn]", "Did you mean 'psnr'"),
    ],
)
def test_a_mistaken_metric_is_explained(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose_config([override])


@pytest.mark.parametrize(
    "override",
    [
        "quality.objective=kid_real",
        "quality.record=[kid_real]",
        "quality.record=[fid_real_bound]",
        "constraints.fid_real=<=9",
    ],
)
def test_metrics_of_real_images_need_some(override: str) -> None:
    with pytest.raises(ConfigError, match="needs real images"):
        compose_config([override, "quality.real=none"])


def test_a_budget_has_many_limits() -> None:
    config = compose_config(["budget.time=1h30m", "budget.calls=2e5", "budget.images=800"])
    assert config.budget.trials is None
    assert (config.budget.time, config.budget.calls, config.budget.images) == ("1h30m", 2e5, 800)


def test_a_space_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("refresh: {rule: interval, interval: 5}\n")
    config = compose_config([f"space={file}"])
    assert config.space == {"name": "mine", "refresh": {"rule": "interval", "interval": 5}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sampler=tep", "Did you mean 'tpe'"),
        ("budgget.trials=3", "budgget"),
        ("budget.trails=3", "trails"),
        ("space=missing.yaml", "Cannot read 'missing.yaml'"),
        ("budget.trials=[", "budget.trials"),
    ],
)
def test_an_override_that_does_not_fit_is_explained(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace(".", r"\.").replace("[", r"\[")):
        compose_config([override])


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        compose_config(["budget.trials=0", "model.num_inference_steps=1", "storage.kind=mongo"])
    text = "\n".join(caught.value.problems)
    for expected in ("budget.trials=0", "model.num_inference_steps=1", "storage.kind='mongo'"):
        assert expected in text


def test_image_counts_are_whole_batches_and_the_rung_is_smaller() -> None:
    with pytest.raises(ConfigError, match=r"quality\.images=33 is not a multiple"):
        compose_config(["quality.images=33"])
    with pytest.raises(ConfigError, match=r"rung_images=16 is not smaller than quality\.images=16"):
        compose_config(["quality.rung_images=16"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("budget.time=0s", "too short"),
        ("budget.time=90", "a duration such as 2h"),
        ("budget.time=-2h", "a duration such as 2h"),
        ("budget.images=0", "Take at least 1"),
        ("budget.calls=-1", "Take more than 0"),
        ("constraints.speedup=>=5,<=3", "no value is both >=5 and <=3"),
        ("constraints.speedup=>=baseline", "a factor above 0"),
        ("constraints.speedup=<=0", "a factor above 0"),
        ("constraints.fid=>=5", "for being low.*Write <="),
        ("constraints.fid=5", "is not a bound"),
        ("constraints.fid=<5", "Write <= or >="),
    ],
)
def test_budgets_and_constraints_that_make_no_sense(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose_config([override])


def test_a_study_of_an_older_version_takes_newer_settings(tmp_path: Path) -> None:
    config = compose_config(["study.folder=studies/x"])
    older = yaml.safe_load(save_config(config))
    older["budget"] = {"trials": 30}
    del older["constraints"]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(older))
    assert load_config(path, ["budget.time=2h"]).budget.time == "2h"
    with pytest.raises(UserError, match="cannot be applied on resume"):
        load_config(path, ["constraints.speedup=>=5"])


def test_a_stored_configuration_reads_back_equal(tmp_path: Path) -> None:
    config = compose_config(["study.folder=studies/x"])
    path = tmp_path / "config.yaml"
    path.write_text(save_config(config))
    assert load_config(path) == config


def test_a_resumed_study_takes_a_larger_budget_and_nothing_that_changes_its_trials(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(save_config(compose_config(["study.folder=studies/x"])))
    assert load_config(path, ["budget.trials=99"]).budget.trials == 99
    for override in ("space=layered", "quality.images=64", "study.seed=1", "budget=full"):
        with pytest.raises(UserError, match=r"cannot be applied on resume"):
            load_config(path, [override])
    with pytest.raises(UserError, match="trails"):
        load_config(path, ["budget.trails=9"])
