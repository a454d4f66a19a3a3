"""Everything that is registered keeps its contract: a new model, data set or transform is tested by being registered.

The checks themselves are tested on members that break one promise each.
"""

import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs
import numpy as np
import pytest

from lenetkit.datasets import Dataset, list_datasets, register_dataset
from lenetkit.datasets import registry as _datasets
from lenetkit.exceptions import ContractError, DownloadError, SettingError
from lenetkit.models import list_models, register_model
from lenetkit.models import registry as models_registry
from lenetkit.testing import check_dataset, check_model, check_transform, parametrize_with_checks
from lenetkit.transforms import list_transforms, map_images, register_transform
from lenetkit.transforms._base import _transforms

pytestmark = pytest.mark.tensorflow


@parametrize_with_checks(models=list_models(), datasets=list_datasets(), transforms=list_transforms())
def test_what_is_registered_keeps_its_contract(
    name: str, check: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test for each promise of each member."""
    if name == "mnist":
        monkeypatch.setenv("LENETKIT_DATA", str(request.getfixturevalue("shared_data")))
    check(name)


def network(
    input_shape: Any, n_classes: int, *, activation: str = "softmax", kernel: Any = "glorot_uniform", **layer: Any
) -> Any:
    """Build one dense layer over all pixels."""
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(image)
    output = layers.Dense(n_classes, activation=activation, kernel_initializer=kernel, **{"name": "output", **layer})(x)
    return keras.Model(image, output, name="broken")


@pytest.fixture
def broken() -> Iterator[str]:
    """Return a name for a broken member, and forget it in the end."""
    yield "broken"
    for registry in (models_registry, _datasets, _transforms):
        if "broken" in registry.names():
            registry.unregister("broken")


@pytest.mark.parametrize(
    ("builder", "record", "message"),
    [
        (network, {"n_parameters": 7}, r"n_parameters of 'broken' must be 7,850, as in the built model; got 7\."),
        (network, {"input_shape": (28, 28)}, r"input_shape of 'broken' must be three positive integers"),
        (network, {"value_range": (1.0, 0.0)}, r"value_range of 'broken' must be \(smallest, largest\)"),
        (network, {"description": " "}, "description of 'broken' must be one line"),
        (
            lambda input_shape, n_classes: network(input_shape, 10),
            {},
            "buildable for 2 classes; it raised SettingError: .*shape",
        ),
        (lambda input_shape, n_classes: {}["x"], {}, "must be buildable for 10 classes; it raised KeyError: 'x'"),
        (partial(network, activation="linear"), {}, "must be probabilities of at least 0"),
        (partial(network, activation="sigmoid"), {}, "must be rows that sum to 1"),
        (partial(network, name=None), {}, "names of the layers of 'broken' must be given by the builder; got 'dense"),
        (partial(network, kernel="fresh"), {}, "with one seed must be the same each time"),
        (partial(network, kernel="zeros"), {}, "with another seed must be others; got the same"),
        (
            partial(network, trainable=False),
            {"n_parameters": 0},
            "the model 'broken' must learn; it raised .*trainable weights",
        ),
    ],
)
def test_a_model_that_breaks_a_promise_is_found_out(
    broken: str, builder: Any, record: dict[str, Any], message: str
) -> None:
    """The message says which promise."""

    def build(input_shape: Any, n_classes: int) -> Any:
        if getattr(builder, "keywords", {}).get("kernel") == "fresh":
            return network(input_shape, n_classes, kernel=lambda shape, dtype: np.random.default_rng().random(shape))
        return builder(input_shape, n_classes)

    register_model(broken, **{"description": "Broken.", "n_parameters": 7_850, **record})(build)
    with pytest.raises(ContractError, match=message):
        check_model(broken)


def drawn(n_classes: int = 2, seed: int | None = 0) -> Dataset:
    """Draw twenty images of noise, ten of each of two classes."""
    images = np.random.default_rng(seed).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    return Dataset(images=images, labels=np.repeat([0, 1], 10), class_names=list("abc")[:n_classes])


def refuse(subset: str) -> None:
    """Refuse predefined splits, as a data set does that has none."""
    if subset != "all":
        raise SettingError("no predefined splits")


def load_from_the_net(subset: str) -> Dataset:
    """Open a socket that nobody allowed."""
    refuse(subset)
    socket.socket().close()
    return drawn()


@pytest.mark.parametrize(
    ("loader", "description", "message"),
    [
        (lambda subset: refuse(subset) or drawn(), "", "description of 'broken' must be one line"),
        (lambda subset: refuse(subset) or drawn(3), "Broken.", "the classes of 'broken' must be all 3; got 2"),
        (lambda subset: refuse(subset) or drawn(seed=None), "Broken.", "'broken' must be the same every time"),
        (lambda subset: drawn(), "Broken.", r"the parts of 'broken' must be 20; got 20 \+ 20"),
        (lambda subset: drawn() if subset != "test" else refuse(subset), "Broken.", "both there or both refused"),
        (lambda subset: {}["x"], "Broken.", "the data set 'broken' must load; it raised KeyError: 'x'"),
        (load_from_the_net, "Broken.", "must open no socket with download=False; it opened one"),
    ],
)
def test_a_data_set_that_breaks_a_promise_is_found_out(
    broken: str, loader: Any, description: str, message: str
) -> None:
    """The message says which promise."""
    register_dataset(broken, description=description)(lambda *, subset, data_dir, download: loader(subset))
    with pytest.raises(ContractError, match=message):
        check_dataset(broken)


def white(images: Any) -> Any:
    """Write into the images that were given."""
    images[:] = 255
    return images


@pytest.mark.parametrize(
    ("function", "frozen", "message"),
    [
        (lambda images: map_images(lambda batch: batch.astype(np.float64), images), True, "must be uint8 or float32"),
        (lambda images: map_images(lambda batch: batch * np.float32("nan"), images), True, "must be finite"),
        (lambda images: map_images(lambda batch: batch, images)[:1], True, "makes of 20 images must be as many; got 1"),
        (white, True, "'broken' must take images; it raised ValueError: assignment destination is read-only"),
        (
            lambda images: images.astype(np.float32),
            True,
            r"must refuse None with a DataError; it raised AttributeError",
        ),
        (
            lambda images: np.float32(images) if hasattr(images, "dtype") else images,
            True,
            r"must refuse None with a DataError; it accepted it\.",
        ),
        (lambda images: map_images(lambda b: np.maximum(b, b[0]), images), True, "makes of .* must be the same"),
        (
            lambda images: map_images(lambda batch: batch, images),
            False,
            "the setting 'level' of 'broken' must be frozen",
        ),
    ],
)
def test_a_transform_that_breaks_a_promise_is_found_out(broken: str, function: Any, frozen: bool, message: str) -> None:
    """The message says which promise."""

    @register_transform(broken)
    @(attrs.frozen if frozen else attrs.define)
    class Broken:
        level: int = 3

        def __call__(self, images: Any, /) -> Any:
            return function(images)

    with pytest.raises(ContractError, match=message):
        check_transform(broken)


def test_a_data_set_that_is_not_on_the_machine_is_skipped(broken: str) -> None:
    """As a test; called by hand, the check says what is missing."""

    @register_dataset(broken, description="Far away.")
    def load(*, subset: str, data_dir: Any, download: bool) -> Dataset:
        raise DownloadError("it is far away")

    with pytest.raises(DownloadError, match="it is far away"):
        check_dataset(broken)
    for case in parametrize_with_checks(datasets=[broken]).args[1]:
        name, check = case.values
        with pytest.raises(pytest.skip.Exception, match="it is far away"):
            check(name)


def test_each_check_of_each_name_has_an_id() -> None:
    """So that a test report reads as a list of promises."""
    cases = parametrize_with_checks(models=["a"], datasets=["b"], transforms=["c", "d"]).args[1]
    names = [case.id for case in cases]
    assert "a-answers_are_probabilities" in names
    assert "b-no_socket_is_opened" in names
    assert "d-copies_do_the_same" in names
    assert len(set(names)) == len(names)
