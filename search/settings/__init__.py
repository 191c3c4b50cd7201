"""The configuration as frozen, checked values: one class for each Hydra group."""

from search.settings.batch_sizes import AUTO, batch_sizes, cpu_batch
from search.settings.config import Config, parse_config, parse_model
from search.settings.latency import LatencySettings
from search.settings.launcher import LauncherSettings
from search.settings.limits import BudgetSettings, ConstraintSettings
from search.settings.model import ModelSettings
from search.settings.quality import QualitySettings
from search.settings.rivals import ExportSettings, RivalSettings
from search.settings.storage import StorageSettings
from search.settings.study import (
    SamplerSettings,
    StudySettings,
    TrackerSettings,
    WarmstartSettings,
)
from search.settings.tune import TuneSettings

__all__ = [
    "AUTO",
    "BudgetSettings",
    "Config",
    "ConstraintSettings",
    "ExportSettings",
    "LatencySettings",
    "LauncherSettings",
    "ModelSettings",
    "QualitySettings",
    "RivalSettings",
    "SamplerSettings",
    "StorageSettings",
    "StudySettings",
    "TrackerSettings",
    "TuneSettings",
    "WarmstartSettings",
    "batch_sizes",
    "cpu_batch",
    "parse_config",
    "parse_model",
]
