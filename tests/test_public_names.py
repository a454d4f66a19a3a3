"""The public names, pinned: changing this list is a decision that the changelog tells users about."""

import importlib

import pytest

import lenetkit

PUBLIC = {
    "lenetkit": [
        "Dataset",
        "Evaluation",
        "LabelEncoder",
        "LenetkitError",
        "Pipeline",
        "Trainer",
        "TrainingResult",
        "create_model",
        "evaluate",
        "list_datasets",
        "list_models",
        "load_dataset",
        "model_info",
        "register_dataset",
        "register_model",
        "register_transform",
    ],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module: str) -> None:
    """No more, no fewer."""
    assert sorted(importlib.import_module(module).__all__) == PUBLIC[module]


@pytest.mark.parametrize("name", PUBLIC["lenetkit"])
def test_every_public_name_can_be_had(name: str) -> None:
    """The lazy table leads somewhere, and the name tells where it lives."""
    member = getattr(lenetkit, name)
    assert member.__module__.startswith("lenetkit.")
    assert name in dir(lenetkit)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="module 'lenetkit' has no attribute 'Pipelin'"):
        lenetkit.Pipelin  # noqa: B018


def test_the_version_is_the_distributions() -> None:
    """Read from the installed metadata."""
    assert lenetkit.__version__.count(".") >= 2
