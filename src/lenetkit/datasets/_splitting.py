"""The random choice of a training and a test part, by images or by groups of them.

In: a data set. Out: the positions of the images of each part, those of scikit-learn for the same seed.
Next: :meth:`lenetkit.datasets.Dataset.split`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.counts import ceil_product
from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.validation import check_seed, is_integer, is_number
from lenetkit.exceptions import SettingError

__all__ = ["split_by_groups", "split_images"]

Parts = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
DataSet = Any  # a Dataset, whose module imports this one


def split_images(dataset: DataSet, test_size: Any, seed: int, stratify: bool) -> Parts:
    """Return the positions that ``sklearn.model_selection.train_test_split`` chooses."""
    require_library("splitting a data set", "sklearn")
    import_quietly("sklearn.model_selection")
    from sklearn.model_selection import train_test_split

    _check_test_size(test_size, seed, len(dataset), "images")
    if stratify:
        _check_classes(dataset)
    indices = np.arange(len(dataset), dtype=np.int64)
    # As scikit-learn counts, but 0.07 of 100 images are 7: in binary 0.07 * 100 is a little more.
    n_test = test_size if isinstance(test_size, (int, np.integer)) else ceil_product(test_size, len(dataset))
    try:
        train, test = train_test_split(
            indices, test_size=n_test, random_state=seed, stratify=dataset.labels if stratify else None
        )
    except ValueError as error:
        raise SettingError(
            f"{dataset!r} cannot be split with test_size={test_size} and stratify={stratify}: {error}"
        ) from None
    return train, test


def split_by_groups(dataset: DataSet, test_size: Any, seed: int) -> Parts:
    """Return the positions that ``sklearn.model_selection.GroupShuffleSplit`` chooses."""
    require_library("splitting a data set", "sklearn")
    import_quietly("sklearn.model_selection")
    from sklearn.model_selection import GroupShuffleSplit

    if dataset.groups is None:
        raise SettingError(f"{dataset!r} has no groups to split by. Give them: Dataset(..., groups=...).")
    _check_test_size(test_size, seed, len(np.unique(dataset.groups)), "groups")
    splitter = GroupShuffleSplit(n_splits=1, test_size=test_size, random_state=seed)
    try:
        train, test = next(splitter.split(np.zeros(len(dataset)), groups=dataset.groups))
    except ValueError as error:
        raise SettingError(f"{dataset!r} cannot be split by groups with test_size={test_size}: {error}") from None
    return train, test


def _check_classes(dataset: DataSet) -> None:
    """Refuse a class that cannot be in both parts."""
    labels, counts = np.unique(dataset.labels, return_counts=True)
    if counts.min(initial=2) < 2:
        label = labels[counts.argmin()]
        name = str(label) if dataset.labels.dtype.kind == "U" else dataset.class_names[int(label)]
        raise SettingError(
            f"the class {name!r} of {dataset!r} has one member only, which cannot be in both parts. Pass "
            "stratify=False, or leave that class out."
        )


def _check_test_size(test_size: Any, seed: Any, n: int, what: str) -> None:
    check_seed(seed)
    is_fraction = is_number(test_size, 0, 1) and 0 < test_size < 1
    if not is_fraction and not is_integer(test_size, 1, n - 1):
        raise SettingError(
            f"test_size must be a fraction between 0 and 1 or a number of {what} from 1 to {n - 1} (one less than "
            f"there are); got {test_size!r}."
        )
