"""Handwritten-digit recognition in reusable pieces.

The stages, in the order the data flows; each is useful alone::

    lenetkit.datasets     name, file, folder or table -> Dataset (uint8 images, labels)
    lenetkit.transforms   images as they come -> float32 images as the model was trained on
    lenetkit.encoder      labels <-> one-hot targets
    lenetkit.models       name + options -> keras.Model (default: LeNet-5)
    lenetkit.trainer      model + arrays -> trained model + history
    lenetkit.evaluator    labels + probabilities -> Evaluation (metrics, confusion, calibration)
    lenetkit.augment      random variations of images inside the training step
    lenetkit.synthesis    digits, numbers, paper, non-digits and corruptions, drawn
    lenetkit.plotting     pictures of all results

Saved models and their answers::

    lenetkit.bundle       file format of the saved pipeline, without code in it
    lenetkit.exporting    LiteRT, ONNX, SavedModel and Keras files for other runtimes
    lenetkit.runtime      inference without TensorFlow
    lenetkit.pretrained   saved pipelines that come along
    lenetkit.reading      whole numbers in one image
    lenetkit.diagnosis    causes of wrong answers, traces, feature maps
    lenetkit.rejection    calibration and novelty detection: when not to answer

All of it together::

    lenetkit.pipeline     Pipeline: fit, predict, evaluate, save, load
    lenetkit.classifier   LeNetClassifier, a scikit-learn estimator
    lenetkit.comparison   models side by side on the same images
    lenetkit.robustness   accuracy on corrupted images
    lenetkit.testing      contract tests of models, data sets and transforms
    lenetkit.demo         web page to draw digits on
    lenetkit.cli          command line

And below them::

    lenetkit.exceptions   the tree of errors
    lenetkit.registry     names that other packages can add to

Importing this package imports nothing but the standard library; each public name loads its module on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenetkit.classifier import LeNetClassifier as LeNetClassifier
    from lenetkit.comparison import compare as compare
    from lenetkit.datasets import Dataset as Dataset
    from lenetkit.datasets import list_datasets as list_datasets
    from lenetkit.datasets import load_dataset as load_dataset
    from lenetkit.datasets import register_dataset as register_dataset
    from lenetkit.encoder import LabelEncoder as LabelEncoder
    from lenetkit.evaluator import Evaluation as Evaluation
    from lenetkit.evaluator import evaluate as evaluate
    from lenetkit.exceptions import LenetkitError as LenetkitError
    from lenetkit.models import create_model as create_model
    from lenetkit.models import list_models as list_models
    from lenetkit.models import model_info as model_info
    from lenetkit.models import register_model as register_model
    from lenetkit.pipeline import Pipeline as Pipeline
    from lenetkit.pretrained import list_pretrained as list_pretrained
    from lenetkit.pretrained import register_pretrained as register_pretrained
    from lenetkit.trainer import Trainer as Trainer
    from lenetkit.trainer import TrainingResult as TrainingResult
    from lenetkit.transforms import register_transform as register_transform

__version__: str

_MODULES = {
    "Dataset": "datasets",
    "Evaluation": "evaluator",
    "LabelEncoder": "encoder",
    "LeNetClassifier": "classifier",
    "LenetkitError": "exceptions",
    "Pipeline": "pipeline",
    "Trainer": "trainer",
    "TrainingResult": "trainer",
    "compare": "comparison",
    "create_model": "models",
    "evaluate": "evaluator",
    "list_datasets": "datasets",
    "list_models": "models",
    "list_pretrained": "pretrained",
    "load_dataset": "datasets",
    "model_info": "models",
    "register_dataset": "datasets",
    "register_model": "models",
    "register_pretrained": "pretrained",
    "register_transform": "transforms",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        from lenetkit._utils.imports import import_quietly

        value = getattr(import_quietly(f"lenetkit.{_MODULES[name]}"), name)
    elif name == "__version__":
        from lenetkit._utils.extras import get_version

        value = get_version()
    else:
        raise AttributeError(f"module 'lenetkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
