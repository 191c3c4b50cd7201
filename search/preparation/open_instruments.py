"""Loads what a study measures with, and measures what its folder does not hold yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from search.model.prompts import make_workloads
from search.preparation.bases import calls_of_bases
from search.preparation.bench import Bench
from search.preparation.calibration import study_context
from search.preparation.features import require_same_features
from search.preparation.given_timesteps import with_timesteps
from search.preparation.heldout import Heldout
from search.preparation.inputs import require_same_inputs
from search.preparation.instruments import Instruments
from search.preparation.meters import real_images, trial_meters
from search.preparation.unpatched import measure_unpatched
from search.quality.features import load_feature_network
from search.quality.scorers import load_scorers
from search.records.folder import StudyFolder
from search.settings import Config
from search.space import load_space
from search.study.evaluator import Evaluator
from search.study.watching import StageWatcher
from search.workers.open_pool import metric_device, model_config, open_pool


@contextmanager
def open_instruments(
    config: Config, folder: StudyFolder, watcher: StageWatcher, heldout: Heldout | None = None
) -> Iterator[Instruments]:
    """Load everything. Measurements that the folder already holds are read, not repeated.

    Args:
        heldout: what an audit uses instead of the study's own held-out set.
    """
    quality = config.quality
    heldout = heldout or Heldout.of(config, folder)
    search, heldout_workload = make_workloads(
        config.model.prompts,
        images=quality.images,
        heldout_images=heldout.images,
        seed=config.study.seed,
        heldout_seed=heldout.seed,
    )
    network = load_feature_network(quality.features, quality.features_path)
    require_same_features(folder, network)
    scorers = load_scorers(
        config.metrics(),
        quality,
        metric_device(config.model),
        (*search.prompts, *heldout_workload.prompts),
    )
    model = model_config(config.model)
    watcher.stage("loading the model")
    with open_pool(config.launcher, model, search, heldout_workload) as pool:
        bench = Bench(config, load_space(config.space), folder, pool, watcher)
        require_same_inputs(config, folder, pool.description, watcher)
        bench.space.check(pool.description.topology)
        bench = with_timesteps(bench)
        bases = calls_of_bases(bench.space, pool)
        if pool.absent:
            watcher.stage(f"{pool.absent} worker(s) are not there yet and join when they come")
        real = real_images(config, network, pool.description.work.image_size, watcher)
        table, reference, drift = measure_unpatched(bench)
        meter, rung_meter = trial_meters(config, network, real, reference, scorers, search.prompts)
        context = study_context(bench, drift, bases)
        bench.space.parameters(context)
        yield Instruments(
            **vars(bench),
            context=context,
            workload=search,
            reference=reference,
            evaluator=Evaluator(pool, meter, rung_meter, table, pool.description.topology, quality),
            heldout=heldout,
            heldout_workload=heldout_workload,
            network=network,
            real=real,
            scorers=scorers,
        )
