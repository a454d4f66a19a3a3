"""The public names, pinned: changing this list is a decision that the changelog tells users about."""

import importlib

import pytest

import lenetkit

PUBLIC = {
    "lenetkit": [
        "Dataset",
        "Evaluation",
        "LabelEncoder",
        "LeNetClassifier",
        "LenetkitError",
        "Pipeline",
        "Trainer",
        "TrainingResult",
        "compare",
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
    "lenetkit.bundle": [
        "Bundle",
        "FORMAT",
        "History",
        "Rejection",
        "SUFFIX",
        "decode_bundle",
        "encode_bundle",
        "read_bundle",
        "verify_bundle",
        "write_bundle",
    ],
    "lenetkit.classifier": [
        "LeNetClassifier",
    ],
    "lenetkit.comparison": ["compare"],
    "lenetkit.datasets": [
        "Dataset",
        "DatasetInfo",
        "IndexedImages",
        "RemoteFile",
        "RemoteIdx",
        "dataset_info",
        "fetch_files",
        "list_datasets",
        "load_dataset",
        "read_image",
        "read_images",
        "register_dataset",
    ],
    "lenetkit.demo": ["LOOPBACK", "create_app", "serve"],
    "lenetkit.diagnosis": [
        "Diagnosis",
        "FeatureMaps",
        "Finding",
        "Trace",
        "compute_reference",
        "describe_images",
        "diagnose",
        "feature_maps",
        "trace",
    ],
    "lenetkit.encoder": [
        "LabelEncoder",
    ],
    "lenetkit.evaluator": [
        "Evaluation",
        "evaluate",
    ],
    "lenetkit.exceptions": [
        "BackendError",
        "BundleError",
        "CheckpointError",
        "ContractError",
        "DataError",
        "DownloadError",
        "ExportError",
        "LenetkitError",
        "MissingExtraError",
        "NameTakenError",
        "NotFittedError",
        "PluginError",
        "SettingError",
        "TrainingError",
        "UnknownNameError",
    ],
    "lenetkit.exporting": [
        "ExportReport",
        "FORMATS",
        "TOLERANCE",
        "convert_to_litert",
        "export",
    ],
    "lenetkit.models": [
        "ModelCounts",
        "ModelInfo",
        "create_model",
        "list_models",
        "model_info",
        "register_model",
    ],
    "lenetkit.pipeline": [
        "Pipeline",
    ],
    "lenetkit.plotting": [
        "ConfusionDisplay",
        "DigitsDisplay",
        "FeatureMapsDisplay",
        "FiltersDisplay",
        "HistoryDisplay",
        "LearningRateDisplay",
        "ReadingDisplay",
        "RejectionDisplay",
        "ReliabilityDisplay",
        "TraceDisplay",
        "plot_confusion",
        "plot_digits",
        "plot_feature_maps",
        "plot_filters",
        "plot_history",
        "plot_learning_rate_finder",
        "plot_reading",
        "plot_rejection",
        "plot_reliability",
        "plot_trace",
    ],
    "lenetkit.pretrained": ["list_pretrained", "path_of"],
    "lenetkit.reading": [
        "DigitReading",
        "Reading",
        "read_number",
    ],
    "lenetkit.registry": [
        "PlugIn",
        "Registry",
    ],
    "lenetkit.rejection": ["Calibration", "Gate", "Prediction"],
    "lenetkit.robustness": ["measure_robustness"],
    "lenetkit.runtime": [
        "Predictor",
    ],
    "lenetkit.synthesis": [
        "CORRUPTIONS",
        "DrawnNumber",
        "corrupt",
        "draw_digits",
        "draw_number",
        "draw_nondigits",
        "draw_paper",
        "draw_printed",
        "list_allographs",
    ],
    "lenetkit.testing": [
        "check_dataset",
        "check_model",
        "check_transform",
        "parametrize_with_checks",
    ],
    "lenetkit.trainer": [
        "LearningRateSearch",
        "OneCycle",
        "Trainer",
        "TrainingResult",
    ],
    "lenetkit.transforms": [
        "Affine",
        "AffineTransform",
        "Compose",
        "Grayscale",
        "Invert",
        "FittableTransform",
        "MnistNormalize",
        "Pad",
        "Prepared",
        "Rescale",
        "Resize",
        "Standardize",
        "Transform",
        "check_images",
        "create_transform",
        "list_transforms",
        "map_images",
        "register_transform",
        "transform_from_dict",
        "transform_to_dict",
    ],
    "lenetkit.augment": [
        "Compose",
        "Erase",
        "Noise",
        "Shift",
        "Stroke",
        "Warp",
    ],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module: str) -> None:
    """No more, no fewer."""
    assert sorted(importlib.import_module(module).__all__) == sorted(PUBLIC[module])


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
