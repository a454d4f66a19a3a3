"""One door for images: what one method takes all take, and what one refuses all refuse in the same words."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.datasets import iter_batches, read_image, read_images, single_image
from lenetkit.exceptions import DataError
from lenetkit.synthesis import draw_digits

PIXELS = np.pad(255 - np.asarray(draw_digits(8, seed=1).images[7]), 6, constant_values=255)
PIPELINE = Pipeline.pretrained()


class Upload:
    """What web frameworks hand over: an object with a name and ``read``."""

    filename = "seven.png"

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class AsynchronousUpload(Upload):
    """What asynchronous web frameworks hand over."""

    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        return super().read(size)


KINDS = {
    "array": lambda path: PIXELS[np.newaxis],
    "path": lambda path: path,
    "text": str,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "open file": lambda path: path.open("rb"),
    "upload": lambda path: Upload(path.read_bytes()),
    "PIL image": PIL.Image.open,
    "table": lambda path: pd.DataFrame(PIXELS.reshape(1, -1)).add_prefix("pixel"),
    "Series of paths": lambda path: pd.Series([path], index=[7]),
    "array of objects": lambda path: np.array([path], object),
    "array of texts": lambda path: np.array([str(path)]),
    "list": lambda path: [path],
    "tuple of arrays": lambda path: (PIXELS,),
    "generator": lambda path: (Upload(path.read_bytes()) for _ in range(1)),
}

BAD = {
    "a missing file": lambda folder: folder / "none.png",
    "a folder": str,
    "no picture": lambda folder: b"no picture",
    "an empty list": lambda folder: [],
    "an empty generator": lambda folder: iter(()),
    "a number": lambda folder: 7,
    "a mapping": lambda folder: {"image": PIXELS},
    "a text file": lambda folder: io.StringIO("P5"),
    "an unread upload": lambda folder: AsynchronousUpload(b""),
}

METHODS = {
    "predict": lambda images: PIPELINE.predict(images).tolist(),
    "predict_proba": lambda images: PIPELINE.predict_proba(images).tobytes(),
    "diagnose": lambda images: [finding.to_dict() for finding in PIPELINE.diagnose(images).findings],
    "trace": lambda images: PIPELINE.trace(images).probabilities.tobytes(),
    "read_number": lambda images: PIPELINE.read_number(images).to_dict(),
    "evaluate": lambda images: PIPELINE.evaluate(images, [7]).accuracy,
    "read_images": lambda images: np.asarray(read_images(images)).tolist(),
    "read_image": lambda images: read_image(images).tolist(),
}


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """Return a picture file of a 7, black on white."""
    PIL.Image.fromarray(PIXELS).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("method", METHODS)
def test_what_one_takes_all_take(method: str, seven: Path) -> None:
    """With the same answer, whatever the image comes as."""
    answers = {kind: METHODS[method](make(seven)) for kind, make in KINDS.items()}
    assert {kind for kind in KINDS if answers[kind] != answers["array"]} == set()
    if method in ("predict", "read_number"):
        assert answers["array"] == [7] or answers["array"]["text"] == "7"


@pytest.mark.parametrize("kind", BAD)
def test_what_one_refuses_all_refuse(kind: str, tmp_path: Path) -> None:
    """In the same words; a diagnosis has them as a finding where a picture cannot be read."""
    messages = set()
    for method, answer in METHODS.items():
        try:
            (finding,) = answer(BAD[kind](tmp_path))
            assert method == "diagnose"
            messages.add(finding["cause"])
        except DataError as error:
            messages.add(str(error))
    assert len(messages) == 1


@pytest.mark.tensorflow
@pytest.mark.slow
def test_feature_maps_take_the_same(seven: Path) -> None:
    """Of a few kinds, for each of which they are computed anew."""
    from lenetkit.diagnosis import feature_maps

    maps = [
        feature_maps(KINDS[kind](seven), PIPELINE).probabilities.tobytes()
        for kind in ("array", "upload", "table", "generator")
    ]
    assert len(set(maps)) == 1


def test_images_have_names(seven: Path) -> None:
    """A path is its own name; everything else is called by its place."""
    named = [found for batch in iter_batches([seven, str(seven), PIXELS, "none.png"]) for found in batch]
    assert [name for name, _ in named] == [str(seven), str(seven), "images[2]", "none.png"]
    assert [isinstance(found, DataError) for _, found in named] == [False, False, False, True]
    assert single_image([str(seven)])[0] == str(seven)
    assert single_image(PIXELS)[0] == single_image(seven.read_bytes())[0] == "the image"


def test_a_single_array_is_an_image_as_it_is() -> None:
    """Floating values are not rounded on their way to a trace."""
    floats = PIXELS / np.float32(255)
    for image in (floats, floats[np.newaxis], [floats], floats[..., np.newaxis]):
        assert np.shares_memory(single_image(image)[1], floats)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([PIXELS, PIXELS], r"one image is expected; got 2\. Choose one"),
        (np.zeros((2, 28, 28), np.uint8), r"one image must have shape .* got \(2, 28, 28\)\. Of several images choose"),
        (np.zeros(28, np.uint8), r"one image must have shape .* got \(28,\)"),
        (np.zeros((28, 28), np.int64), "must be uint8 .* got int64"),
    ],
)
def test_several_images_are_not_one(image: Any, message: str) -> None:
    """Which one is meant is not guessed."""
    for read in (read_image, single_image):
        with pytest.raises(DataError, match=message):
            read(image)


def test_an_upload_is_called_by_its_files_name() -> None:
    """In messages."""
    with pytest.raises(DataError, match=r"seven\.png must be a picture .*; it is empty"):
        read_images(Upload(b""))
    with pytest.raises(DataError, match=r"the stain must be a picture .*; it is empty"):
        read_image(b"", name="the stain")
