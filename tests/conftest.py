"""What every test runs under: one thread, no network, reproducible examples."""

from __future__ import annotations

import os

for name, value in {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "TRANSFORMERS_VERBOSITY": "error",
    # Read when Triton is first imported, which diffusers does.
    "TRITON_INTERPRET": "1",
    # By default Ray's workers yield to all other work: on a busy machine they get nothing done.
    "RAY_worker_niceness": "0",
}.items():
    os.environ.setdefault(name, value)

from collections.abc import Iterator  # noqa: E402

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from tests.skips import NoOtherSkips  # noqa: E402

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """Where ``CI`` is set, what can run does run."""
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoOtherSkips())


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Studies keep statistics and rivals for later ones: a test's come from no earlier run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
