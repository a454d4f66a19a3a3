"""Ranges of pixels: what is nearly black is refused picture by picture, by every method and reader, with a cure."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lenetkit import LeNetClassifier, Pipeline, load_dataset
from lenetkit._utils.levels import is_faint
from lenetkit.datasets import read_image, read_images
from lenetkit.exceptions import DataError
from lenetkit.synthesis import draw_digits

PIPELINE = Pipeline.pretrained()
DIGITS = draw_digits(20, seed=1)
IMAGES = np.asarray(DIGITS.images)
MASKS = {
    "0 and 1": (IMAGES > 127).astype(np.uint8),
    "0 to 2": (IMAGES // 127).astype(np.uint8),
    "0 to 3": (IMAGES // 85).astype(np.uint8),
}
NEARLY_BLACK = r"nearly black: the brightest is at .* % of white .*multiply by 255"

METHODS = {
    "predict": PIPELINE.predict,
    "predict, reject": lambda images: PIPELINE.predict(images, reject=0.05),
    "predict_proba": PIPELINE.predict_proba,
    "predict_set": PIPELINE.predict_set,
    "evaluate": lambda images: PIPELINE.evaluate(images, DIGITS.labels[: len(images)]),
    "score": lambda images: PIPELINE.score(images, DIGITS.labels[: len(images)]),
    "calibrate": lambda images: Pipeline.pretrained().calibrate(images, DIGITS.labels[: len(images)]),
    "fit": lambda images: Pipeline().fit(images, DIGITS.labels[: len(images)]),
    "read_images": read_images,
    "trace": lambda images: PIPELINE.trace(images[0]),
    "read_number": lambda images: PIPELINE.read_number(images[0]),
    "read_image": lambda images: read_image(images[0]),
}


LEVELS = hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=5).flatmap(
    lambda shape: st.one_of(
        hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 2, 3, 4, 255]), fill=st.nothing()),
        hnp.arrays(np.float32, shape, elements=st.sampled_from([0, 0, 0.0078125, 1, np.nan]), fill=st.nothing()),
    )
)


@given(LEVELS)
def test_nearly_black_is_what_has_several_levels_and_none_above_three(images: np.ndarray) -> None:
    """Whatever the middle row shows; with NaN an image is left to other checks."""
    most = 3.5 / (1 if images.dtype == np.uint8 else 255)
    expected = [image.size > 0 and 0 < image.max() < most and image.min() < image.max() for image in images]
    assert is_faint(images).tolist() == expected


@pytest.mark.parametrize("method", METHODS)
def test_masks_are_refused_by_every_method(method: str) -> None:
    """As arrays, lists and floats."""
    for mask in MASKS.values():
        for images in (mask, list(mask), mask.tolist(), mask[..., np.newaxis], mask / 255):
            with pytest.raises(DataError, match=NEARLY_BLACK):
                METHODS[method](images)


def test_a_diagnosis_names_the_range() -> None:
    """For each picture, with the same cure."""
    images = np.concatenate([IMAGES[:2], MASKS["0 and 1"][:1], MASKS["0 to 3"][:1]])
    found = [(each.image, each.problem) for each in PIPELINE.diagnose(images).findings if each.problem == "range"]
    assert found == [(2, "range"), (3, "range")]


@pytest.mark.parametrize("dark", [0, 7, 19])
def test_each_picture_is_looked_at_by_itself(dark: int) -> None:
    """The neighbours decide nothing; the first one is named."""
    images = IMAGES.copy()
    images[dark] = MASKS["0 and 1"][dark]
    with pytest.raises(DataError, match=rf"images\[{dark}\] is {NEARLY_BLACK}"):
        PIPELINE.predict(images)


@pytest.mark.parametrize("white", [4, 15, 16, 255])
def test_wider_ranges_and_blank_pictures_are_answered(white: int) -> None:
    """Those of scanners and of scikit-learn's digits; blank is no range."""
    scaled = (IMAGES.astype(int) * white // 255).astype(np.uint8)
    scaled[0], scaled[1] = 0, 2
    assert len(PIPELINE.predict(scaled)) == len(scaled)


def write_idx(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for name, array in (("images-idx3", images), ("labels-idx1", np.asarray(DIGITS.labels, np.uint8))):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folder / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder


def write_npz(folder: Path, images: np.ndarray) -> Path:
    np.savez(folder.with_suffix(".npz"), images=images, labels=DIGITS.labels)
    return folder.with_suffix(".npz")


def write_csv(folder: Path, images: np.ndarray) -> Path:
    table = pd.DataFrame(images.reshape(len(images), -1)).add_prefix("pixel").assign(label=DIGITS.labels)
    table.to_csv(folder.with_suffix(".csv"), index=False)
    return folder.with_suffix(".csv")


def write_folder(folder: Path, images: np.ndarray) -> Path:
    for index, (image, label) in enumerate(zip(images, DIGITS.labels, strict=True)):
        path = folder / str(label) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(path)
    return folder


@pytest.mark.parametrize("write", [write_idx, write_npz, write_csv, write_folder])
@pytest.mark.parametrize("mask", MASKS)
def test_the_readers_refuse_sets_of_masks(write: Any, mask: str, tmp_path: Path) -> None:
    """Naming the file; sets of 0 to 16 are read."""
    subset = "test" if write is write_idx else "all"
    with pytest.raises(DataError, match=NEARLY_BLACK) as caught:
        load_dataset(write(tmp_path / "masks", MASKS[mask]), subset=subset)
    assert str(tmp_path / "masks") in str(caught.value)
    assert len(load_dataset(write(tmp_path / "scans", IMAGES // 16), subset=subset)) == len(IMAGES)


@pytest.mark.parametrize(
    ("images", "cure"),
    [
        (IMAGES.astype(float), r"Divide by 255, or pass uint8"),
        (IMAGES.astype(float) * 257, r"Divide by 65535\."),
        (IMAGES / 127.5 - 1, r"pass \(images \+ 1\) / 2"),
        ((IMAGES / 255 - 0.1307) / 0.3081, r"undo it: images \* std \+ mean"),
        (IMAGES / 255 * 1.00001, r"np\.clip\(images, 0, 1\)"),
        (IMAGES.astype(float) - 128, r"\(images - low\) / \(high - low\)"),
        (IMAGES.astype(np.uint16) * 257, r"\(images >> 8\)\.astype\(np\.uint8\)"),
        (IMAGES.astype(np.int64), r"convert with \.astype\(np\.uint8\)"),
        (IMAGES > 127, r"\.astype\(np\.uint8\) \* 255"),
    ],
)
def test_what_lies_outside_is_refused_with_the_cure_of_its_range(images: np.ndarray, cure: str) -> None:
    """By every method, in arrays and in lists; an array is read as it is, and checked by the transforms."""
    for name, method in METHODS.items():
        for images_given in [list(images)] if name == "read_images" else (images, list(images)):
            with pytest.raises(DataError, match=cure):
                method(images_given)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_classifier_goes_on_scaling_what_it_is_given() -> None:
    """Masks of uint8 as well as those of other numbers: the same probabilities."""
    masks, labels = MASKS["0 and 1"], DIGITS.labels
    answers = {
        LeNetClassifier("mlp", epochs=1, random_state=0).fit(images, labels).predict_proba(images).tobytes()
        for images in (masks, masks.astype(int), masks.astype(float))
    }
    assert len(answers) == 1
