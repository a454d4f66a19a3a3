"""The classifier's part of scikit-learn; where that is not installed, classes that say so when one is made.

In: nothing. Out: scikit-learn's own classes and functions. Next: :mod:`lenetkit.classifier`, the only one that needs
them to be imported, and must be importable without them.
"""

from typing import Any, Self

from lenetkit._utils.extras import require_library

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "sklearn":
        raise

    class ClassifierMixin:  # type: ignore[no-redef]
        """Stands for scikit-learn's class of this name, so that this module can be imported."""

    class BaseEstimator:  # type: ignore[no-redef]
        """Stands for scikit-learn's class of this name, and says that it is missing."""

        def __new__(cls, *_: Any, **__: Any) -> Self:
            """Raise MissingExtraError."""
            require_library("LeNetClassifier", "sklearn")
            return super().__new__(cls)


__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "check_classification_targets",
    "check_is_fitted",
    "check_random_state",
    "check_sample_weight",
    "validate_data",
]
