"""Stage 5: a model and arrays in, a trained model and its history out.

In: a ``keras.Model``, images of shape (n, height, width[, channels]) as uint8 (0..255) or float, and targets: one-hot
rows (n, n_classes) or class indices (n,). Out: the same model, trained, and a :class:`TrainingResult`.
Next: :mod:`lenetkit.evaluator`.
"""

from lenetkit.trainer._finder import LearningRateSearch
from lenetkit.trainer._progress import create_progress as create_progress
from lenetkit.trainer._result import TrainingResult
from lenetkit.trainer._schedules import OneCycle
from lenetkit.trainer._trainer import Trainer
from lenetkit.trainer._weights import check_class_weight as check_class_weight
from lenetkit.trainer._weights import check_sample_weight as check_sample_weight

__all__ = ["LearningRateSearch", "OneCycle", "Trainer", "TrainingResult"]
