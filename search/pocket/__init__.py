"""The pocket model: a small text-to-image pipeline that ships with the project."""

from search.pocket.features import FeatureNetwork
from search.pocket.judge import Accuracy, judge
from search.pocket.model import load_features, load_pipeline, pocket_path

__all__ = [
    "Accuracy",
    "FeatureNetwork",
    "judge",
    "load_features",
    "load_pipeline",
    "pocket_path",
]
