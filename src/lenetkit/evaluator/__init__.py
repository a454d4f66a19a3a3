"""Stage 6, evaluation: accuracy, errors, calibration and rejection of a model's answers.

In: true labels of shape (n,) and probabilities of shape (n, n_classes), from whatever model.
Out: an :class:`Evaluation` with numbers, tables (pandas) and pictures (:mod:`lenetkit.plotting`).
Next: a person reads it, printed or drawn; a script its ``summary_line`` or ``to_dict()``.
"""

from lenetkit.evaluator._evaluate import evaluate
from lenetkit.evaluator._evaluation import Evaluation

__all__ = ["Evaluation", "evaluate"]
