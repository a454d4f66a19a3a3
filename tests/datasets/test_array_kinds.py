"""Arrays of every kind that NumPy has: right, or one clear error, the same from every method."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lenetkit import Pipeline
from lenetkit.datasets import iter_batches, read_image, read_images
from lenetkit.exceptions import DataError
from lenetkit.runtime import Predictor
from lenetkit.synthesis import draw_digits

PIPELINE = Pipeline.pretrained()
PIXELS = 255 - np.pad(draw_digits(8, seed=1).images[7], 4)
FLOATS = (PIXELS / 255).astype(np.float32)


class Tagged(np.ndarray):
    """Somebody's own kind of array, which keeps more axes than asked for."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key).view(Tagged)


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.setflags(write=False)
    return array


SAME: dict[str, Callable[[], Any]] = {
    "matrix": lambda: np.asmatrix(PIXELS),
    "list of matrices": lambda: [np.asmatrix(PIXELS)],
    "masked, with nothing masked": lambda: np.ma.masked_array(PIXELS[np.newaxis], mask=False),
    "one of its own kind": lambda: PIXELS[np.newaxis].view(Tagged),
    "read only": lambda: read_only(PIXELS),
    "Fortran order": lambda: np.asfortranarray(PIXELS[np.newaxis]),
    "every second pixel": lambda: np.repeat(np.repeat(PIXELS, 2, axis=0), 2, axis=1)[::2, ::2],
    "turned round twice": lambda: np.ascontiguousarray(PIXELS[::-1, ::-1])[::-1, ::-1],
    "objects of arrays": lambda: np.array([PIXELS, None], object)[:1],
    "record view": lambda: PIXELS[np.newaxis].view(np.recarray),
    "nested rows": lambda: list(PIXELS),
    "nested masked rows": lambda: list(np.ma.masked_array(PIXELS, mask=False)),
}
SAME_FLOATS: dict[str, Callable[[], Any]] = {
    "matrix": lambda: np.asmatrix(FLOATS),
    "big-endian": lambda: FLOATS[np.newaxis].astype(">f4"),
    "double": lambda: FLOATS.astype(np.float64),
    "long double": lambda: FLOATS.astype(np.longdouble),
    "masked, with nothing masked": lambda: np.ma.masked_array(FLOATS, mask=False),
    "read only": lambda: read_only(FLOATS),
}
MASK = np.zeros(PIXELS.shape, bool)
MASK[3, 4:6] = True
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "masked": (
        lambda: np.ma.masked_array(PIXELS, mask=MASK),
        r"2 of 1,296 are masked\. Give them a value: images\.filled",
    ),
    "masked floats": (lambda: np.ma.masked_array(FLOATS[np.newaxis], mask=MASK[np.newaxis]), "2 of 1,296 are masked"),
    "a list of masked": (lambda: [np.ma.masked_array(PIXELS, mask=MASK)], "2 of 1,296 are masked"),
    "masked rows": (lambda: list(np.ma.masked_array(PIXELS, mask=MASK)), "are masked"),
    "rows of masked rows": (lambda: [list(np.ma.masked_array(PIXELS, mask=MASK))], "are masked"),
    "objects": (lambda: PIXELS.astype(object), "must be uint8 .*got (dtype )?object"),
    "big-endian integers": (lambda: PIXELS.astype(">u2"), "must be uint8 .*got (dtype )?>?u(int16|2)"),
    "complex": (lambda: PIXELS.astype(complex), "got (dtype )?complex128"),
    "dates": (lambda: PIXELS.astype("M8[s]"), "got (dtype )?datetime64"),
}
METHODS: dict[str, Callable[[Any], Any]] = {
    "predict": lambda images: PIPELINE.predict(images).tolist(),
    "predict_proba": lambda images: PIPELINE.predict_proba(images).tobytes(),
    "trace": lambda images: PIPELINE.trace(images).probabilities.tobytes(),
    "read_number": lambda images: PIPELINE.read_number(images).to_dict(),
    "evaluate": lambda images: PIPELINE.evaluate(images, [7]).accuracy,
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("method", METHODS)
def test_the_kind_of_an_array_does_not_matter(method: str) -> None:
    """Nor its layout, byte order or width."""
    for expected, kinds in ((PIXELS, SAME), (FLOATS, SAME_FLOATS)):
        answer = METHODS[method](expected)
        assert {kind for kind, make in kinds.items() if METHODS[method](make()) != answer} == set()


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("method", METHODS)
def test_what_has_no_pixels_is_refused(method: str, kind: str) -> None:
    """What lies under a mask is no pixel, and objects are none."""
    make, message = REFUSED[kind]
    with pytest.raises(DataError, match=message):
        METHODS[method](make())


def test_a_predictor_takes_no_masks() -> None:
    """It would look under them."""
    predictor: Predictor = PIPELINE._check_fitted().predictor
    with pytest.raises(DataError, match="must not be a masked array"):
        predictor.predict_proba(np.ma.masked_array(np.zeros((1, 28, 28, 1), np.uint8)))


URL = "data:image/png;base64," + "iVBORw0KGgo" * 5_000


@pytest.mark.parametrize(
    "given",
    [
        URL,
        [URL],
        [URL, PIXELS],
        "x" * 60_000,
        ["<html>" * 10_000],
        pd.DataFrame({"pixel0": [URL]}),
        pd.DataFrame({URL: [0]}),
        pd.DataFrame({"pixel0": [0], URL: [0]}),
    ],
    ids=["url", "list of a url", "url among pictures", "text", "page", "cell", "column", "column beside pixels"],
)
def test_a_message_does_not_quote_all_of_a_text(given: Any) -> None:
    """It says what is wrong in a few lines, however long the text that was given."""
    for method in (*METHODS.values(), read_images, read_image):
        with pytest.raises(DataError) as caught:
            method(given)
        assert len(str(caught.value)) < 1_000
    for name, _ in (found for batch in iter_batches(["x" * 60_000]) for found in batch):
        assert len(name) < 1_000


def test_a_data_url_is_called_one() -> None:
    """With the way to its bytes."""
    with pytest.raises(
        DataError, match=r"a data URL is no path of a picture\. Pass the bytes in it: base64\.b64decode"
    ):
        PIPELINE.predict(URL)


def test_a_long_path_keeps_its_name(tmp_path: Any) -> None:
    """A path that the system allows is whole where it names an image."""
    folder = tmp_path.joinpath(*["a" * 100] * 5)
    folder.mkdir(parents=True)
    missing = folder / "seven.png"
    ((name, error),) = next(iter_batches([missing]))
    assert name == str(missing)
    assert "seven.png" in str(error)
