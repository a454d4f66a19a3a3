"""Checks of registered members: all of one kind in a row, or each as a test of its own."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from lenetkit.exceptions import DownloadError
from lenetkit.testing import _dataset_contract, _model_contract, _transform_contract

__all__ = ["check_dataset", "check_model", "check_transform", "parametrize_with_checks"]

Check = Callable[[str], None]


def check_model(name: str) -> None:
    """Check that a registered model keeps its contract.

    It builds as its record says, answers with probabilities, names its layers, draws its weights from the seed alone,
    learns two steps with the same bits each time, survives pickling, saving and loading, and LiteRT gives its answers.

    Parameters
    ----------
    name : str
        A name from :func:`lenetkit.models.list_models`.

    Raises
    ------
    ContractError
        If it does not; the message names what was expected and what was found.
    UnknownNameError, PluginError
        If there is no such model, or its plug-in cannot be imported.

    Examples
    --------
    >>> from lenetkit.testing import check_model
    >>> check_model("lenet5")
    """
    for check in _model_contract.CHECKS:
        check(name)


def check_dataset(name: str) -> None:
    """Check that a registered data set keeps its contract.

    It matches its record, is the same every time, has predefined splits that make up the whole or refuses them, and
    opens no socket if nothing may be downloaded.

    Parameters
    ----------
    name : str
        A name from :func:`lenetkit.datasets.list_datasets`. Its data must be on this machine: nothing is downloaded.

    Raises
    ------
    ContractError
        If it does not; the message names what was expected and what was found.
    DownloadError
        If its data are not on this machine.
    UnknownNameError, PluginError
        If there is no such data set, or its plug-in cannot be imported.

    Examples
    --------
    >>> from lenetkit.testing import check_dataset
    >>> check_dataset("digits")
    """
    for check in _dataset_contract.CHECKS:
        check(name)


def check_transform(name: str) -> None:
    """Check that a registered transform keeps its contract.

    With its default settings it takes images of any size as an array or a list, uint8 and floating, leaves them
    unchanged, is batch-invariant, refuses invalid images, and survives copies, pickles and JSON.

    Parameters
    ----------
    name : str
        A name from :func:`lenetkit.transforms.list_transforms`.

    Raises
    ------
    ContractError
        If it does not; the message names what was expected and what was found.
    UnknownNameError, PluginError
        If there is no such transform, or its plug-in cannot be imported.

    Examples
    --------
    >>> from lenetkit.testing import check_transform
    >>> check_transform("resize")
    """
    for check in _transform_contract.CHECKS:
        check(name)


def parametrize_with_checks(
    *, models: Iterable[str] = (), datasets: Iterable[str] = (), transforms: Iterable[str] = ()
) -> Any:
    """Return ``pytest.mark.parametrize`` with each check of each name as a test, like scikit-learn's decorator.

    The test takes ``name`` and ``check``, and calls ``check(name)``. A data set that is not on the machine is skipped.

    Parameters
    ----------
    models, datasets, transforms : iterable of str
        Registered names.

    Raises
    ------
    ImportError
        If pytest is not installed.

    Examples
    --------
    >>> from lenetkit.testing import parametrize_with_checks
    >>> @parametrize_with_checks(models=["lenet5"], transforms=["resize", "pad"])
    ... def test_contract(name, check):
    ...     check(name)
    """
    import pytest

    pairs: list[tuple[str, Check]] = [
        *((name, check) for name in models for check in _model_contract.CHECKS),
        *((name, _skipped_if_missing(check)) for name in datasets for check in _dataset_contract.CHECKS),
        *((name, check) for name in transforms for check in _transform_contract.CHECKS),
    ]
    return pytest.mark.parametrize(
        ("name", "check"), [pytest.param(name, check, id=f"{name}-{check.__name__}") for name, check in pairs]
    )


def _skipped_if_missing(check: Check) -> Check:
    import pytest

    @functools.wraps(check)
    def check_or_skip(name: str) -> None:
        try:
            check(name)
        except DownloadError as error:
            pytest.skip(str(error).partition("\n")[0])

    return check_or_skip
