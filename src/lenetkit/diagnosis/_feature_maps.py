"""Feature maps of one image in every layer of a network, and the filters of the layers.

In: one image, and a fitted pipeline or a Keras model. Out: :class:`FeatureMaps`, the values of every layer in plain
arrays. Next: ``plot()`` draws them as the LeNet papers do, ``plot_filters()`` the filters.
"""

import copy
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.datasets import single_image
from lenetkit.diagnosis._pictures import Answer, Array
from lenetkit.exceptions import DataError, SettingError
from lenetkit.plotting import AnyFigure, FeatureMapsDisplay, FiltersDisplay, plot_feature_maps, plot_filters

__all__ = ["FeatureMaps", "feature_maps"]

# These only change the values of the layer before, unit by unit: together they are one layer, as in the papers.
_UNIT_BY_UNIT = {
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"),
    *("BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization"),
    *("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout"),
    *("ActivityRegularization", "Rescaling", "Normalization", "ZeroPadding2D"),
}
# These only arrange the values anew, and the input has a panel of its own.
_NOT_SHOWN = {"Flatten", "Reshape", "Permute", "Concatenate", "InputLayer"}


@attrs.frozen(kw_only=True, eq=False)
class FeatureMaps(Answer):
    """Values of all layers for one image; made by :func:`feature_maps`.

    Parameters
    ----------
    layers : tuple of (str, ndarray)
        From the input on: name and values, float32 of shape (height, width, n_maps) or (n_units,). The output is not
        among them.
    filters : tuple of (str, ndarray)
        Layer and kernels, float32 of shape (height, width, n_maps_before, n_maps), NaN where maps are not connected.
        A layer of units that sees the image itself has filters as large as the image.
    probabilities : ndarray of shape (n_classes,)
        float32, the output.
    classes : ndarray of shape (n_classes,)
        The labels in the same order.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.synthesis import draw_digits
    >>> from lenetkit.diagnosis import feature_maps
    >>> maps = feature_maps(draw_digits(8, styles="american", seed=1).images[7], Pipeline.pretrained())
    >>> int(maps.label)
    7
    >>> dict(maps.layers)["c1"].shape, dict(maps.filters)["c1"].shape
    ((28, 28, 6), (5, 5, 1, 6))
    """

    layers: tuple[tuple[str, Array], ...] = attrs.field(repr=lambda layers: repr([name for name, _ in layers]))
    filters: tuple[tuple[str, Array], ...] = attrs.field(repr=lambda filters: repr([name for name, _ in filters]))

    def plot(self, *, figure: "AnyFigure | None" = None) -> FeatureMapsDisplay:
        """Draw all layers and the probabilities; see :func:`lenetkit.plotting.plot_feature_maps`."""
        return plot_feature_maps(self.layers, self.probabilities, self.classes, figure=figure)

    def plot_filters(self, *, figure: "AnyFigure | None" = None) -> FiltersDisplay:
        """Draw the filters; see :func:`lenetkit.plotting.plot_filters`."""
        return plot_filters(self.filters, figure=figure)


def feature_maps(image: Any, model: Any) -> FeatureMaps:
    """Compute the feature maps of one image in every layer.

    Layers that change their input unit by unit, such as activations and normalisations, are shown with the layer
    before: C1 is what S2 gets.

    Parameters
    ----------
    image : path, PIL image or ndarray of shape (height, width[, channels])
        One image, for a pipeline as :meth:`Pipeline.predict <lenetkit.pipeline.Pipeline.predict>` takes it; for a model
        of its input's size, uint8 in [0, 255] or floats in the model's value range.
    model : Pipeline or keras.Model
        Fitted. A model must be functional or sequential, with one input of shape (height, width, channels).

    Returns
    -------
    FeatureMaps

    Raises
    ------
    DataError
        If it is not one image, cannot be read, or does not fit the model.
    SettingError
        If `model` is neither, or its layers cannot be taken apart.
    NotFittedError
        If the pipeline is not fitted.
    BundleError
        If the pipeline was loaded and its model has no registered name, so that there are no layers to look at.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.diagnosis import feature_maps
    >>> from lenetkit.models import create_model
    >>> maps = feature_maps(np.zeros((28, 28), np.uint8), create_model("lenet5", seed=0))
    >>> [(name, values.shape) for name, values in maps.layers]  # doctest: +NORMALIZE_WHITESPACE
    [('input', (28, 28, 1)), ('c1', (28, 28, 6)), ('s2', (14, 14, 6)), ('c3', (10, 10, 16)), ('s4', (5, 5, 16)),
     ('c5', (120,)), ('f6', (84,))]
    """
    _, picture = single_image(image)
    # Asked of the class: an attribute of an unfitted pipeline seems not to be there.
    if hasattr(type(model), "transforms_"):
        model = copy.copy(model)  # one model answers, whatever other threads fit the pipeline to
        seen = model.transforms_([picture])
        layers, filters, _ = _inside(model.model_, np.asarray(seen[0], np.float32))
        probabilities, classes = model.predict_proba([picture])[0], model.classes_
    elif hasattr(model, "layers") and hasattr(model, "inputs"):
        scale = 1 / 255 if picture.dtype == np.uint8 else 1
        layers, filters, probabilities = _inside(model, picture.astype(np.float32) * np.float32(scale))
        classes = np.arange(len(probabilities))
    else:
        raise SettingError(
            f"model must be a Pipeline or a functional or sequential keras.Model; got {type(model).__name__}."
        )
    return FeatureMaps(layers=layers, filters=filters, probabilities=np.asarray(probabilities), classes=classes)


def _inside(model: Any, picture: npt.NDArray[np.float32]) -> tuple[Any, Any, Array]:
    """Run the model once and return its layers' values, their filters, and its output."""
    import keras

    batch = picture[np.newaxis, ..., np.newaxis] if picture.ndim == 2 else picture[np.newaxis]
    shapes = [tuple(tensor.shape) for tensor in model.inputs or []]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise SettingError(f"the model must have one input of shape (height, width, channels); it has {shapes}.")
    if any(want not in (None, size) for want, size in zip(shapes[0], batch.shape, strict=True)):
        raise DataError(f"the model takes images of shape {shapes[0][1:]}; got {batch.shape[1:]}.")
    panels = _panels(model)
    probe = keras.Model(model.inputs[0], [*panels.values(), model.outputs[0]])
    values = [np.asarray(value)[0] for value in probe(batch, training=False)]
    layers = tuple(zip(panels, values, strict=False))
    return layers, _filters(model, batch.shape[1:]), values[-1]


def _panels(model: Any) -> dict[str, Any]:
    """Return name and output of each layer to show, the model's own output left out."""
    panels: dict[str, Any] = {"input": model.inputs[0]}
    names = {id(model.inputs[0]): "input"}
    for layer in model.layers:
        kind = type(layer).__name__
        try:
            before, after = layer.input, layer.output
        except (AttributeError, ValueError):
            raise SettingError(
                f"the layers of {model.name!r} cannot be taken apart: {layer.name!r} has not one input and one output. "
                "A functional or sequential model can be looked into."
            ) from None
        if kind in _NOT_SHOWN or isinstance(after, (list, dict)) or len(after.shape) not in (2, 4):
            continue
        name = names.get(id(before), layer.name) if kind in _UNIT_BY_UNIT else layer.name
        panels[name], names[id(after)] = after, name
    return {name: tensor for name, tensor in panels.items() if tensor is not model.outputs[0]}


def _filters(model: Any, image_shape: tuple[int, ...]) -> tuple[tuple[str, Array], ...]:
    found: list[tuple[str, Array]] = []
    for layer in model.layers:
        kernels = np.asarray(getattr(layer, "kernel", None))
        if kernels.ndim == 3 and hasattr(layer, "table"):
            # A sparse convolution: every pair of maps in its position, NaN where they are not connected.
            dense = np.full((*kernels.shape[:2], layer.input.shape[-1], len(layer.table)), np.nan, np.float32)
            pairs = [(below, above) for above, row in enumerate(layer.table) for below in row]
            dense[:, :, *np.transpose(pairs)] = kernels
            kernels = dense
        elif kernels.ndim == 2 and len(kernels) == np.prod(image_shape) and not found:
            kernels = kernels.reshape(*image_shape, -1)
        if kernels.ndim == 4:
            found.append((layer.name, kernels))
    return tuple(found)
