"""The family of models: each as its paper describes it, and all of them usable like LeNet-5."""

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenetkit import Pipeline, Trainer, list_models, load_dataset, model_info
from lenetkit.exceptions import SettingError
from lenetkit.models import ModelCounts, create_model
from lenetkit.models._bitmaps import HEIGHT, WIDTH, class_bitmaps
from lenetkit.models._counting import count_connections
from lenetkit.models.lenet5_1998 import C3_TABLE

pytestmark = pytest.mark.tensorflow

FAMILY = ["convnet", "lenet1", "lenet4", "lenet5", "lenet5_1998", "mlp"]
QUICK = Trainer(epochs=2, batch_size=32, label_smoothing=0.0, verbose=0)


def some_digits(n: int) -> tuple[Any, Any]:
    """Return the first images and labels of the embedded digits, 28 x 28 in 0..1."""
    digits = load_dataset("digits")[:n]
    images = np.kron(np.asarray(digits.images), np.ones((1, 3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None].astype(np.float32) / 255
    return images, np.asarray(digits.labels)


# What the papers say


@pytest.mark.parametrize(
    ("name", "parameters", "connections"),
    [
        ("lenet1", 2_578, 98_442),  # NIPS 2, 1990, section 4
        ("lenet4", 50_698, 262_306),  # "about 260,000 connections"
        ("lenet5", 61_706, 429_342),
        ("lenet5_1998", 60_000, 340_908),
        ("mlp", 266_610, 266_610),
    ],
)
def test_parameters_and_connections_are_counted_in_the_built_model(
    name: str, parameters: int, connections: int
) -> None:
    """As the papers state them."""
    assert model_info(name).counts() == ModelCounts(parameters=parameters, connections=connections)


def test_another_c3_table_has_other_counts() -> None:
    """Each connection of the table brings 25 parameters, each at a hundred places."""
    full = [list(range(6))] * 16
    counts = model_info("lenet5_1998").counts(c3_table=full)
    assert counts == ModelCounts(parameters=60_000 + 36 * 25, connections=340_908 + 36 * 25 * 100)
    one_map = model_info("lenet5_1998").counts(c3_table=[[0]])
    c3, s4, c5 = 25 + 1, 2, 120 * 26
    assert one_map.parameters == 156 + 12 + c3 + s4 + c5 + 10_164
    assert one_map.connections == 122_304 + 5_880 + 100 * c3 + 25 * 5 + c5 + 10_164 + 840


@pytest.mark.parametrize(
    ("layer", "parameters", "connections"),
    [
        ("c1", 156, 122_304),
        ("s2", 12, 5_880),
        ("c3", 1_516, 151_600),
        ("s4", 32, 2_000),
        ("c5", 48_120, 48_120),
        ("f6", 10_164, 10_164),
        ("output", 0, 840),
    ],
)
def test_each_layer_of_the_1998_network_is_the_papers(layer: str, parameters: int, connections: int) -> None:
    """Section II-B gives both numbers for every layer."""
    import keras

    whole = create_model("lenet5_1998", seed=0)
    member = whole.get_layer(layer)
    assert sum(int(np.prod(v.shape)) for v in member.trainable_variables) == parameters
    assert count_connections(keras.Model(member.input, member.output)) == connections


def test_the_c3_table_has_the_papers_invariants() -> None:
    """Six maps see three neighbours, nine see four, one sees all; each S2 map is used ten times; no two are alike."""
    assert [len(row) for row in C3_TABLE] == [3] * 6 + [4] * 9 + [6]
    assert sorted(itertools.chain(*C3_TABLE)) == sorted(list(range(6)) * 10)
    assert len(set(C3_TABLE)) == 16
    neighbours = {tuple(sorted((first + k) % 6 for k in range(n))) for n in (3, 4) for first in range(6)}
    assert set(C3_TABLE[:12]) == neighbours
    assert not set(C3_TABLE[12:]) & neighbours


def test_a_map_of_c3_sees_what_its_row_says_and_nothing_else() -> None:
    """Changing one map of S2 changes exactly the maps of C3 that the table connects with it."""
    c3 = create_model("lenet5_1998", seed=0).get_layer("c3")
    before = np.random.default_rng(0).normal(size=(1, 14, 14, 6)).astype(np.float32)
    for index in range(6):
        after = before.copy()
        after[..., index] += 1
        changed = (np.asarray(c3(before)) != np.asarray(c3(after))).any(axis=(0, 1, 2))
        assert changed.tolist() == [index in row for row in C3_TABLE]


def test_a_table_convolution_is_a_full_one_with_the_missing_kernels_at_zero() -> None:
    """The same answer, computed another way."""
    from keras import ops

    from lenetkit.models._layers import TableConv2D

    table = [(0, 2), (1,), (2, 1, 0)]
    layer = TableConv2D(table, 3)
    images = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
    answer = np.asarray(layer(images))
    kernel, full, number = np.asarray(layer.kernel), np.zeros((3, 3, 3, 3), np.float32), 0
    for place, row in enumerate(table):
        for below in row:
            full[:, :, below, place] = kernel[:, :, number]
            number += 1
    np.testing.assert_allclose(answer, np.asarray(ops.conv(images, full)), atol=1e-6)


def test_subsampling_is_a_sum_times_a_coefficient_plus_a_bias() -> None:
    """Per map; an odd last row is left out."""
    from lenetkit.models._layers import Subsampling

    layer = Subsampling()
    maps = np.arange(30, dtype=np.float32).reshape(1, 5, 3, 2)
    layer.build(maps.shape)
    layer.set_weights([np.array([1, -2], np.float32), np.array([0.5, 7], np.float32)])
    block = maps[0, 2:4, 0:2].sum(axis=(0, 1))
    answer = np.asarray(layer(maps))
    assert answer.shape == (1, 2, 1, 2)
    np.testing.assert_array_equal(answer[0, 1, 0], block * [1, -2] + [0.5, 7])


def test_the_scaled_tanh_is_one_at_one() -> None:
    """And bounded by 1.7159."""
    from lenetkit.models._layers import scaled_tanh

    values = np.asarray(scaled_tanh(np.array([-100, -1, 0, 1, 100], np.float32)))
    np.testing.assert_allclose(values, [-1.7159, -1, 0, 1, 1.7159], atol=1e-4)


@pytest.mark.parametrize("name", ["lenet4", "lenet5_1998"])
def test_images_are_centred_in_32_x_32_and_brought_to_the_papers_grey_levels(name: str) -> None:
    """Paper is -0.1, also in the frame, and ink 1.175."""
    import keras

    model = create_model(name, seed=0)
    inside = keras.Model(model.input, model.get_layer("grey_levels").output)
    seen = np.asarray(inside(np.ones((1, 28, 28, 1), np.float32)))[0, ..., 0]
    expected = np.full((32, 32), -0.1, np.float32)
    expected[2:30, 2:30] = 1.175
    np.testing.assert_allclose(seen, expected, atol=1e-6)


# The bitmaps and the criterion


def test_every_digit_has_a_bitmap_of_7_x_12_of_its_own() -> None:
    """Paper and ink are -1 and 1; any two differ in at least ten pixels."""
    bitmaps = class_bitmaps(10)
    assert bitmaps.shape == (10, HEIGHT * WIDTH) == (10, 84)
    assert set(np.unique(bitmaps)) == {-1, 1}
    differing = (bitmaps[:, None] != bitmaps).sum(axis=-1)
    assert differing[~np.eye(10, dtype=bool)].min() >= 10


def test_bitmaps_of_further_classes_leave_the_first_ten_alone() -> None:
    """They are the same every time, and far from all others."""
    many = class_bitmaps(40)
    assert (many[:10] == class_bitmaps(10)).all()
    assert (many == class_bitmaps(40)).all()
    assert (many[:12] == class_bitmaps(12)).all()
    differing = (many[:, None] != many).sum(axis=-1)
    assert differing[10:][~np.eye(40, dtype=bool)[10:]].min() >= 20


def test_probabilities_are_the_softmax_of_the_negative_squared_distances() -> None:
    """Computed here in double precision."""
    from lenetkit.models._layers import BitmapOutput

    layer = BitmapOutput(10, rubbish_distance=1.0)
    x = np.random.default_rng(0).normal(size=(5, 84)).astype(np.float32) + class_bitmaps(10)[:5]
    distances = ((x[:, None].astype(float) - class_bitmaps(10)) ** 2).sum(axis=-1)
    expected = np.exp(-distances) / np.exp(-distances).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(layer(x)), expected, atol=1e-5)


@pytest.mark.parametrize("rubbish_distance", [1.0, 10.0, 60.0])
def test_the_loss_of_the_default_trainer_is_the_papers_criterion(rubbish_distance: float) -> None:
    """Equation 9, computed here in double precision, is what the model's own training loss gives."""
    import keras

    model = create_model("lenet5_1998", seed=0, rubbish_distance=rubbish_distance)
    images, labels = some_digits(20)
    model.get_layer("f6").kernel.assign(model.get_layer("f6").kernel * 4)
    model.compile(loss=QUICK.loss)
    rows = np.eye(10, dtype=np.float32)[labels]
    loss = float(model.compute_loss(images, rows, model(images, training=True)))

    f6 = np.asarray(keras.Model(model.input, model.get_layer("f6").output)(images), float)
    y = ((f6[:, None] - class_bitmaps(10)) ** 2).sum(axis=-1)
    right = y[np.arange(20), labels]
    criterion = right + np.log(np.exp(-rubbish_distance) + np.exp(-y).sum(axis=1))
    assert criterion.mean() > 1
    assert loss == pytest.approx(criterion.mean(), rel=1e-4)


def test_nothing_is_added_to_the_loss_when_it_only_answers() -> None:
    """The class of rubbish is part of learning."""
    model = create_model("lenet5_1998", seed=0)
    model(np.zeros((1, 28, 28, 1), np.float32), training=True)
    assert len(model.losses) == 1
    model(np.zeros((1, 28, 28, 1), np.float32), training=False)
    assert model.losses == []


# What every member of the family does


def test_the_family_is_listed() -> None:
    """Each model is one file of this package."""
    assert set(FAMILY) <= set(list_models())
    for name in FAMILY:
        info = model_info(name)
        assert info.builder.__module__ == f"lenetkit.models.{name}"
        assert info.description.endswith(".")
        assert info.value_range == (0.0, 1.0)


@pytest.mark.parametrize("name", FAMILY)
def test_the_models_own_preset_is_one_of_the_trainer(name: str) -> None:
    """The record's plain values are its arguments."""
    assert isinstance(Trainer.preset(**model_info(name).preset), Trainer)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY)
def test_two_epochs_learn(name: str) -> None:
    """The loss falls. The contract, which tests/testing/test_contracts.py checks, has two trainings give equal bits."""
    images, labels = some_digits(96)
    history = QUICK.fit(create_model(name, seed=3), images, labels).history
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]


@pytest.mark.parametrize("name", FAMILY)
def test_probabilities_stay_probabilities_for_extreme_images(name: str) -> None:
    """Blank, full, noisy, and weights far from their start: finite, in 0..1, summing to one."""
    model = create_model(name, seed=0)
    model.set_weights([np.abs(weights) * 3 for weights in model.get_weights()])
    noise = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    images = np.concatenate([np.zeros_like(noise), np.ones_like(noise), noise])
    answers = np.asarray(model(images, training=False))
    assert np.isfinite(answers).all()
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_a_pipeline_with_a_table_of_its_own_is_saved_pickled_and_rebuilt(tmp_path: Path) -> None:
    """Options travel; LiteRT answers; the Keras model comes back with the same weights."""
    digits = load_dataset("digits")[:100]
    options = {"c3_table": [[0, 1], [2, 3], [4, 5]], "rubbish_distance": 5.0}
    pipe = Pipeline("lenet5_1998", model_options=options, trainer=QUICK).fit(digits.images, digits.labels)
    answers = pipe.predict_proba(digits.images)
    loaded = Pipeline.load(pipe.save(tmp_path / "x.lenet"))
    pickled = pickle.loads(pickle.dumps(pipe))
    assert loaded.predict_proba(digits.images).tobytes() == answers.tobytes()
    assert pickled.predict_proba(digits.images).tobytes() == answers.tobytes()
    assert loaded.model_.get_layer("c3").kernel.shape == (5, 5, 6)
    assert loaded.model_.get_layer("output").rubbish_distance == 5.0


@pytest.mark.parametrize("name", ["convnet", "lenet5_1998"])
def test_a_keras_file_holds_the_whole_model(name: str, tmp_path: Path) -> None:
    """Layers of our own find themselves again, with their settings."""
    import keras

    model = create_model(name, seed=0)
    model.save(tmp_path / "x.keras")
    images, _ = some_digits(3)
    again = keras.saving.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(np.asarray(again(images)), np.asarray(model(images)))


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("shape", [(40, 36, 1), (32, 32, 3), (20, 24, 1)])
def test_images_of_other_sizes_and_colours_will_do(name: str, shape: tuple[int, int, int]) -> None:
    """As long as they are not tiny."""
    model = create_model(name, input_shape=shape, n_classes=12, seed=0)
    assert np.asarray(model(np.zeros((2, *shape), np.float32))).shape == (2, 12)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("lenet1", {"input_shape": (7, 28, 1)}, "lenet1 needs images of at least 8 x 8 pixels; got 7 x 28"),
        ("lenet4", {"input_shape": (7, 28, 1)}, "lenet4 needs images of at least 8 x 8 pixels; got 7 x 28"),
        ("lenet5_1998", {"input_shape": (7, 28, 1)}, "lenet5_1998 needs images of at least 8 x 8 pixels"),
        ("lenet5_1998", {"c3_table": 3}, "c3_table must be a sequence of sequences of integers; got 3"),
        ("lenet5_1998", {"c3_table": []}, "c3_table must have at least one row"),
        ("lenet5_1998", {"c3_table": [[0], []]}, r"different maps from 0 to 5, at least one; row 1 is \(\)"),
        ("lenet5_1998", {"c3_table": [[0, 0]]}, r"row 0 is \(0, 0\)"),
        ("lenet5_1998", {"c3_table": [[6]]}, r"row 0 is \(6,\)"),
        ("lenet5_1998", {"rubbish_distance": 0}, "rubbish_distance must be a positive number; got 0"),
        ("mlp", {"hidden": (300, 0)}, r"hidden must be positive integers.*got \(300, 0\)"),
        ("mlp", {"hidden": 300}, "hidden must be positive integers, the units of each hidden layer; got 300"),
        ("mlp", {"activation": "reluu"}, "activation must be the name of a Keras activation; got 'reluu'"),
        ("convnet", {"input_shape": (7, 28, 1)}, "convnet needs images of at least 8 x 8 pixels; got 7 x 28"),
        ("convnet", {"width": 0}, "width must be an integer of at least 1; got 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    """With what was expected and what was found."""
    with pytest.raises(SettingError, match=message):
        create_model(name, **arguments)


# Counting


def test_counting_goes_into_models_within_models_and_asks_layers_that_tell() -> None:
    """Depthwise convolutions, pooling over everything and normalisation have their own ways to connect."""
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.DepthwiseConv2D(3), layers.BatchNormalization()])
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(inner(image)))
    assert count_connections(model) == 6 * 6 * 3 * (9 + 1) + 6 * 6 * 3


def test_a_layer_that_cannot_be_counted_says_what_to_do() -> None:
    """Rather than a number that is wrong."""
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((4, 2)), layers.SimpleRNN(3, name="rnn")])
    with pytest.raises(SettingError, match=r"layer 'rnn' \(SimpleRNN\) has. Give it a method count_connections"):
        count_connections(model)
