"""The world of the pocket model: its captions, what they look like, and who judges its images.

The pipeline itself ships with the engine, in ``dato.pocket``.
"""

from dato.pocket import load_pipeline, pocket_path
from search.pocket.features import FeatureNetwork
from search.pocket.judge import Accuracy, judge
from search.pocket.model import load_features

__all__ = [
    "Accuracy",
    "FeatureNetwork",
    "judge",
    "load_features",
    "load_pipeline",
    "pocket_path",
]
