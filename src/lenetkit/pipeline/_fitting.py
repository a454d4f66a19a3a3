"""Fitting of a pipeline: labels, transforms and model, from images as people have them.

In: a pipeline's settings, images and labels. Out: its fitted state.
Next: :class:`lenetkit.pipeline.Pipeline` keeps it.
"""

import copy
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.fingerprint import fingerprint
from lenetkit.datasets import read_images
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError, LenetkitError, SettingError
from lenetkit.pipeline._fitted import FittedState, check_one_each
from lenetkit.pipeline._trained import Trained, rebuild_model
from lenetkit.transforms import Compose, Grayscale, Rescale, Resize

if TYPE_CHECKING:
    import keras

__all__ = ["create_transforms", "fit", "get_input_shape"]


def fit(
    settings: Any,
    images: Any,
    labels: Any,
    *,
    validation_data: tuple[Any, Any] | None,
    sample_weight: Any,
    class_weight: Any,
    before: FittedState | None,
    warm_start: bool,
) -> FittedState:
    """Fit encoder, transforms and model as a pipeline's settings say; with a warm start go on from the state before."""
    require_library("training", "tensorflow", "keras", "pandas")
    from lenetkit.trainer import Trainer, check_class_weight, check_sample_weight

    start = before if warm_start else None
    if start is None:
        encoder = copy.deepcopy(LabelEncoder() if settings.encoder is None else settings.encoder).fit(labels)
        transforms = create_transforms(settings.model, settings.transforms)
    else:
        encoder, transforms = start.encoder, start.transforms
    indices, images = encoder.indices(labels), read_images(images)
    prepared = transforms.fit_prepare(images) if start is None else transforms.prepare(images)
    check_one_each(prepared.images, indices)
    if (indices == indices[0]).all():
        only = encoder.classes_[indices[0]].item()
        raise DataError(f"the labels must be of at least 2 classes; got one class, {only!r}.")
    if class_weight is not None:  # checked here, where the classes have their names
        weights = check_sample_weight(sample_weight, len(indices))
        class_weight = check_class_weight(class_weight, indices, encoder.classes_, weights)
    if start is None:
        model, initial_weights = _create_model(settings, prepared.images, len(encoder.classes_)), None
    else:
        model, initial_weights = _create_model_again(settings, start)
    if validation_data is not None:
        validation_data = _prepare_validation(validation_data, transforms, encoder)
    trainer = Trainer() if settings.trainer is None else settings.trainer
    if before is not None and not warm_start:
        _say_that_it_forgets(settings.model, trainer, len(indices))
    result = trainer.fit(
        model,
        prepared.images,
        indices,
        validation_data,
        sample_weight=sample_weight,
        class_weight=class_weight,
        scale=prepared.scale,
        offset=prepared.offset,
        initial_weights=initial_weights,
    )
    trained = Trained(
        model=model,
        name=settings.model if isinstance(settings.model, str) else _find_name(model),
        options=dict(settings.model_options or {}),
        result=result,
        provenance={**result.provenance, "data": _get_fingerprint(images, encoder.classes_[indices])},
        **Trained.choose_images(prepared, indices),
    )
    if not isinstance(settings.model, str):  # whoever built the model may train it on
        trained.freeze()
    return FittedState(transforms, encoder, trained)


def _prepare_validation(data: Any, transforms: Any, encoder: Any) -> tuple[Any, Any]:
    """Return the images after the fitted transforms and the indices of their labels."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise SettingError(f"validation_data must be (images, labels); got {type(data).__name__}.")
    return transforms.prepare(read_images(data[0])).images, encoder.indices(data[1])


def _say_that_it_forgets(model: Any, trainer: Any, n_images: int) -> None:
    """Say that a pipeline that had learnt before starts anew; a model of the user's own and a checkpoint go on."""
    from lenetkit.trainer import create_progress

    checkpoint = getattr(trainer, "checkpoint", None)
    if isinstance(model, str) and (checkpoint is None or not Path(checkpoint).is_dir()):
        create_progress(getattr(trainer, "verbose", 0)).note(
            f"starts anew: what was learnt before is forgotten; new weights are learnt from these {n_images:,} images"
        )


def create_transforms(model: Any, transforms: Any) -> Compose:
    """Return a copy of the transforms; by default grey, the model's size, 0..1."""
    if transforms is None:
        height, width, channels = get_input_shape(model)
        grey = [Grayscale()] if channels == 1 else []
        return Compose([*grey, Resize((height, width)), Rescale()])
    return Compose(copy.deepcopy(transforms if isinstance(transforms, (list, tuple)) else [transforms]))


def get_input_shape(model: Any) -> tuple[int, int, int]:
    """Return (height, width, channels) of the images that a model, or the model of a name, wants."""
    if isinstance(model, str):
        from lenetkit.models import model_info

        return model_info(model).input_shape
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
        raise SettingError(
            f"the model must take images of one known shape (height, width, channels) for the default transforms; "
            f"its input shape is {shape}. Pass transforms of your own."
        )
    return shape[1], shape[2], shape[3]


def _create_model(settings: Any, images: Any, n_classes: int) -> "keras.Model":
    options = dict(settings.model_options or {})
    if not isinstance(settings.model, str):
        if options:
            raise SettingError("model_options are for models given by name; this model is built already.")
        return settings.model
    from lenetkit.models import create_model

    seed = getattr(settings.trainer, "seed", 0)
    shape = images.shape[1:] if images.ndim == 4 else (*images.shape[1:], 1)
    return create_model(settings.model, input_shape=shape, n_classes=n_classes, seed=seed, **options)


def _create_model_again(settings: Any, start: FittedState) -> tuple["keras.Model", list[npt.NDArray[Any]]]:
    """Return a model like that of a fitted state, and the weights to start from; a model of the user's own is itself.

    The fitted state keeps its own model: a training that fails must leave it as it was.
    """
    bundle = start.to_bundle()
    model = rebuild_model(bundle) if isinstance(settings.model, str) else start.model
    return model, list(bundle.weights.values())


def _find_name(model: "keras.Model") -> str | None:
    """Return the registered name that builds the same network without options: its own name, if any."""
    from lenetkit.models import create_model, list_models

    if model.name not in list_models() or None in model.input_shape[1:]:
        return None
    try:
        same = create_model(model.name, input_shape=model.input_shape[1:], n_classes=model.output_shape[1], seed=0)
    except LenetkitError:
        return None
    return str(model.name) if _describe_network(same) == _describe_network(model) else None


def _describe_network(model: "keras.Model") -> Any:
    """Return a model's configuration without what only decides its first weights."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {key: each for key, each in value.items() if not key.endswith("initializer") and key != "seed"}
            return {key: strip(each) for key, each in kept.items()}
        return [strip(each) for each in value] if isinstance(value, list | tuple) else value

    return strip(model.get_config())


def _get_fingerprint(images: Any, labels: npt.NDArray[Any]) -> str:
    """Return the fingerprint of a data set of these images; of images that differ in size, that of all of theirs."""
    if not isinstance(images, list):
        return fingerprint(images if hasattr(images, "dtype") else np.asarray(images), labels)
    if len({(image.shape, image.dtype) for image in images}) == 1:
        return fingerprint(np.stack(images), labels)
    each = [fingerprint(image[None], labels[index : index + 1]) for index, image in enumerate(images)]
    return hashlib.sha256("".join(each).encode()).hexdigest()
