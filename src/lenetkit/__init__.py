"""Handwritten-digit recognition in reusable pieces.

The stages, in the order the data flows; each is useful alone::

    lenetkit.datasets     name, file or folder -> Dataset (uint8 images, labels)
    lenetkit.transforms   images as they come -> images the way the model was trained to see them
    lenetkit.encoder      labels <-> one-hot targets
    lenetkit.models       name + options -> keras.Model (LeNet-5 unless told otherwise)
    lenetkit.trainer      model + arrays -> trained model + history
    lenetkit.evaluator    labels + probabilities -> Evaluation
    lenetkit.pipeline     Pipeline: all of them in one object

What the pipeline offers besides, each a module of its own::

    lenetkit.pretrained   the pipeline that comes along
    lenetkit.rejection    when not to answer
    lenetkit.reading      whole numbers in one picture
    lenetkit.diagnosis    why a picture fails, and what every stage makes of it
    lenetkit.classifier   LeNetClassifier, for scikit-learn
    lenetkit.comparison   models side by side
    lenetkit.testing      the contract of models, data sets and transforms

Importing this package imports nothing but the standard library; each public name below loads its module when it is
first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenetkit.classifier import LeNetClassifier
    from lenetkit.comparison import compare
    from lenetkit.datasets import Dataset, list_datasets, load_dataset, register_dataset
    from lenetkit.encoder import LabelEncoder
    from lenetkit.evaluator import Evaluation, evaluate
    from lenetkit.exceptions import LenetkitError
    from lenetkit.models import create_model, list_models, model_info, register_model
    from lenetkit.pipeline import Pipeline
    from lenetkit.trainer import Trainer, TrainingResult
    from lenetkit.transforms import register_transform

__version__: str

_HOME_OF = {
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
    "load_dataset": "datasets",
    "model_info": "models",
    "register_dataset": "datasets",
    "register_model": "models",
    "register_transform": "transforms",
}

__all__ = [
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
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"lenetkit.{_HOME_OF[name]}"), name)
    elif name == "__version__":
        from importlib.metadata import version

        value = version("lenetkit")
    else:
        raise AttributeError(f"module 'lenetkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
