"""Looks at every file that a study names before anything is loaded or measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from search.errors import ConfigError, UserError
from search.latency.cost_file import load_cost_table
from search.model.prompt_sources import check_source
from search.model.weights import local_folder
from search.quality.feature_packages import check_features
from search.quality.image_files import check_images, holds_statistics, image_files, real_path
from search.quality.statistics_file import read_statistics
from search.records.folder import StudyFolder
from search.records.reading import HUGE, check_file
from search.settings import Config
from search.settings.measures import is_pocket
from search.space import load_space


def check_before_start(config: Config) -> None:
    """Check paths, prompts, real images, tables, the space and the server, without torch.

    Once all of these are right, check that the model takes the scheduler, and has the layers and
    depths that the space names.

    Raises:
        ConfigError: with all that is wrong.
    """
    _run(_checks(config))
    _run(_model_checks(config))


def _run(checks: Iterable[Callable[[], object]]) -> None:
    problems: list[str] = []
    for check in checks:
        try:
            check()
        except ConfigError as error:
            problems += error.problems
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("The study cannot start", problems)


def _checks(config: Config) -> Iterator[Callable[[], object]]:
    model, quality = config.model, config.quality
    yield lambda: load_space(config.space)
    if model.weights == "pretrained":
        yield lambda: local_folder(model.path)
    yield lambda: check_source(model.prompts)
    yield lambda: _check_real(config)
    yield lambda: check_features(quality.features)
    for name in ("features_path", "lpips_path"):
        path = getattr(quality, name)
        if path is not None:
            yield lambda name=name, path=path: check_file(  # type: ignore[misc]
                Path(path), f"Set quality.{name} to a file of weights, or to null.", HUGE
            )
    for table in config.latency.tables:
        yield lambda table=table: load_cost_table(Path(table))  # type: ignore[misc]
    if config.warmstart.study is not None:
        yield lambda: StudyFolder.open(Path(config.warmstart.study or ""))
    if config.sampler.options:
        yield lambda: _check_options(config)
    if config.storage.kind == "postgres":
        yield lambda: _check_server(config)


def _model_checks(config: Config) -> Iterator[Callable[[], object]]:
    from search.model.outline import outline, scheduler_of
    from search.workers.open_pool import model_config

    model = model_config(config.model)
    topology = outline(model)
    yield lambda: scheduler_of(model)
    if topology is not None:
        yield lambda: load_space(config.space).check(topology)


def _check_real(config: Config) -> None:
    source, count = config.quality.real, config.quality.real_images
    if source == "pocket" and not is_pocket(vars(config.model)):
        raise UserError(
            f"quality.real=pocket are renders for the embedded models, and model.path="
            f"{config.model.path!r} is another. Set quality.real to a folder of images, or to none."
        )
    if source in ("none", "pocket"):
        return
    path = real_path(source)
    if holds_statistics(path):
        read_statistics(path)
    else:
        check_images(image_files(path, source, count))


def _check_options(config: Config) -> None:
    from search.study.samplers import make_sampler

    make_sampler(config.sampler, config.study.seed)


def _check_server(config: Config) -> None:
    from search.study.postgres import open_server

    open_server(config.storage).engine.dispose()
