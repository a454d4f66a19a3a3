"""Whole numbers in one image: the digits read, their boxes, and what is left out."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit import Pipeline
from lenetkit.exceptions import DataError, NotFittedError
from lenetkit.plotting import plot_reading
from lenetkit.reading import DigitReading, Reading, read_number
from lenetkit.reading._segmentation import Piece, find_cuts
from lenetkit.synthesis import DrawnNumber, draw_digits, draw_nondigits, draw_number, draw_paper

Picture = npt.NDArray[np.uint8]


class Neighbours:
    """Reads a digit as those drawn digits that it is nearest to: what any classifier must offer, and no more."""

    def __init__(self, names: list[Any]) -> None:
        from sklearn.neighbors import KNeighborsClassifier

        drawn = draw_digits(10_000, styles="american", seed=1)
        self.classes_ = np.array(names)
        self._model = KNeighborsClassifier(3, weights="distance")
        self._model.fit(self._prepared(drawn.images), drawn.labels)

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]:
        assert images.dtype == np.uint8
        assert images.shape[1:] == (28, 28)
        return np.asarray(self._model.predict_proba(self._prepared(images)), np.float32)

    @staticmethod
    def _prepared(images: Picture) -> npt.NDArray[Any]:
        # Blurred, neighbours need not lie exactly upon one another.
        from scipy import ndimage

        smooth = ndimage.gaussian_filter(images.astype(np.float32), (0, 1, 1))[:, ::2, ::2].reshape(len(images), -1)
        return smooth / np.linalg.norm(smooth, axis=1, keepdims=True).clip(1e-6)


@pytest.fixture(scope="module")
def pipeline() -> Neighbours:
    return Neighbours(list(range(10)))


def on_a_sheet(number: DrawnNumber, margin: int) -> DrawnNumber:
    """Return the number with more paper around it."""
    return attrs.evolve(
        number,
        image=np.pad(number.image, margin),
        boxes=number.boxes + margin,
        baselines=tuple(row + margin for row in number.baselines),
    )


def written(text: str, *, ink: Any = 45, margin: int = 20, paper: dict[str, Any] | None = None, **how: Any) -> Picture:
    """Return a picture of a number on paper."""
    number = on_a_sheet(draw_number(text, **how), margin)
    settings = {"rows": number.baselines, **(paper or {})}
    return number.on(draw_paper(*number.image.shape, **settings), ink=ink)


def overlap(one: Any, other: Any) -> float:
    """Return the area that two boxes share over the area that they cover together."""
    left, top, right, bottom = *np.maximum(one[:2], other[:2]), *np.minimum(one[2:], other[2:])
    shared = max(0, right - left) * max(0, bottom - top)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(shared / (area - shared))


PICTURES: dict[str, Callable[[], Picture]] = {
    "blank paper": lambda: written("30582", seed=1),
    "ruled paper": lambda: written("30582", seed=2, paper={"ruling": "ruled"}),
    "a dotted line": lambda: written("30582", seed=3, paper={"ruling": "dotted", "pitch": 60}),
    "a printed frame": lambda: written("30582", seed=4, margin=40, paper={"ruling": "framed"}),
    "squared paper": lambda: written("30582", seed=5, paper={"ruling": "grid", "print_strength": 0.25}),
    "a shadow": lambda: written("30582", seed=16, paper={"shadow": 0.5, "noise": 4, "shade": (225, 220, 190)}),
    "a blue pen": lambda: written("30582", seed=7, ink=(40, 60, 170), paper={"shade": (250, 245, 235)}),
    "specks": lambda: written("30582", seed=8, paper={"specks": 40}),
    "noise": lambda: written("30582", seed=9, paper={"noise": 18}),
    "a pencil": lambda: written("30582", seed=10, grain=0.5, ink=90),
    "bright on dark": lambda: 255 - written("30582", seed=11),
    "small digits": lambda: written("30582", seed=22, height=18),
    "large digits": lambda: written("30582", seed=23, height=300),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_number_is_read_on_any_paper(kind: str, pipeline: Neighbours) -> None:
    """And nothing but the number."""
    assert read_number(PICTURES[kind](), pipeline).text == "30582"


@pytest.mark.parametrize("height", [20, 48, 200, pytest.param(600, marks=pytest.mark.slow)])
def test_boxes_are_where_the_digits_are(height: int, pipeline: Neighbours) -> None:
    """In whole pixels of the picture, however large it is."""
    number = on_a_sheet(draw_number("6042\n75", seed=3, height=height), height // 2)
    reading = read_number(number.on(draw_paper(*number.image.shape)), pipeline)
    assert reading.lines == ("6042", "75")
    assert [digit.line for digit in reading.digits] == [0, 0, 0, 0, 1, 1]
    for digit, box in zip(reading.digits, number.boxes, strict=True):
        assert all(type(side) is int for side in digit.box)
        assert overlap(digit.box, box) > 0.75
        assert 0 <= digit.box[0] < digit.box[2] <= number.image.shape[1]
        assert 0 <= digit.box[1] < digit.box[3] <= number.image.shape[0]
        assert type(digit.label) is int
        assert 0 <= digit.probability <= 1


def test_lines_are_read_from_top_to_bottom(pipeline: Neighbours) -> None:
    """Each from left to right, also where they slope or are of different length."""
    text = "30\n8264\n5\n0258630"
    assert read_number(written(text, seed=8), pipeline).text == text


@pytest.mark.slow
def test_touching_digits_are_parted(pipeline: Neighbours) -> None:
    """Most of them: the pieces are tried, and the best ones kept."""
    n_right = 0
    for seed in range(12):
        reading = read_number(written("3052", seed=seed, spacing=-0.03), pipeline)
        n_right += len(reading.digits) == 4
    assert n_right >= 9


def test_ways_on_both_sides_of_a_loose_stroke_are_found() -> None:
    """Whether it belongs to the left or to the right digit is for the model to say, so there is a cut for each."""
    mask = np.zeros((30, 24), bool)
    mask[:, :4] = mask[:, -4:] = True
    mask[3:12, 10:14] = True
    mask[14:17, :11] = mask[14:17, -11:] = True
    free = [cut for cut in find_cuts(Piece(top=0, left=0, mask=mask), distance=5, most_ink=0) if cut.ink == 0]
    sides = {bool((cut.columns[3:12] < 10).all()) for cut in free}
    assert sides == {False, True}
    assert all((cut.columns[3:12] >= 14).all() or (cut.columns[3:12] < 10).all() for cut in free)


@pytest.mark.parametrize("seed", range(4))
def test_long_connected_scrawls_are_answered(seed: int, pipeline: Neighbours) -> None:
    """However wide a stretch without any place to cut is: here a joined line between digits."""
    number = on_a_sheet(draw_number("15 52", seed=seed, spacing=1.5, height=60), 20)
    left, top, right, bottom = number.boxes.T
    row = int(top.min() + bottom.max()) // 2
    number.image[row - 2 : row + 3, int(left.min()) + 5 : int(right.max()) - 5] = 255
    reading = read_number(number.on(draw_paper(*number.image.shape)), pipeline)
    assert all(digit.box[2] <= number.image.shape[1] for digit in reading.digits)


def test_broken_strokes_are_kept_together(pipeline: Neighbours) -> None:
    """A gap through all digits does not make two lines of them, or more digits."""
    number = on_a_sheet(draw_number("30582", seed=5, height=60), 20)
    top, bottom = int(number.boxes[:, 1].min()), int(number.boxes[:, 3].max())
    number.image[(top + bottom) // 2 : (top + bottom) // 2 + 3] = 0
    assert read_number(number.on(draw_paper(*number.image.shape)), pipeline).text == "30582"


@settings(max_examples=12)
@given(
    margins=st.tuples(*[st.integers(0, 60)] * 4),
    darkest=st.integers(0, 120),
    contrast=st.floats(0.3, 1),
    inverted=st.booleans(),
)
def test_place_light_and_polarity_do_not_matter(
    margins: tuple[int, int, int, int], darkest: int, contrast: float, inverted: bool, pipeline: Neighbours
) -> None:
    """More paper, brighter or darker, with less contrast or inverted: the same digits in the same places."""
    top, bottom, left, right = margins
    plain = written("3082", seed=21, height=40)
    paper = np.pad(plain, ((top, bottom), (left, right)), mode="edge")
    picture = (darkest + (paper.astype(float) * contrast * (255 - darkest) / 255)).round().astype(np.uint8)
    reading = read_number(255 - picture if inverted else picture, pipeline)
    assert reading.text == "3082"
    for digit, before in zip(reading.digits, read_number(plain, pipeline).digits, strict=True):
        shifted = (digit.box[0] - left, digit.box[1] - top, digit.box[2] - left, digit.box[3] - top)
        assert overlap(shifted, before.box) > 0.8


def test_every_way_to_hand_over_a_picture_reads_the_same(tmp_path: Path, pipeline: Neighbours) -> None:
    """A path, a path as text, bytes, a PIL image, uint8 and floating pixels."""
    picture = written("3082", seed=2, ink=(30, 40, 120))
    path = tmp_path / "number.png"
    PIL.Image.fromarray(picture).save(path)
    expected = read_number(picture, pipeline).to_dict()
    assert expected["text"] == "3082"
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), PIL.Image.open(path)):
        assert read_number(source, pipeline).to_dict() == expected
    assert read_number(picture / np.float64(255), pipeline).to_dict() == expected


@pytest.mark.slow
def test_labels_may_be_words() -> None:
    """The text is made of them; the labels stay as they are."""
    words = Neighbours(list("οαβγδεζηθι"))
    reading = read_number(written("30", seed=1), words)
    assert reading.text == "γο"
    assert [type(digit.label) for digit in reading.digits] == [str, str]


NOTHING: dict[str, Callable[[], Picture]] = {
    "one pixel": lambda: np.full((1, 1), 7, np.uint8),
    "one row": lambda: np.arange(256, dtype=np.uint8)[np.newaxis],
    "one column": lambda: np.arange(256, dtype=np.uint8)[:, np.newaxis],
    "two pixels": lambda: np.array([[0, 255]], np.uint8),
    "black": lambda: np.zeros((60, 80), np.uint8),
    "white": lambda: np.full((60, 80, 3), 255, np.uint8),
    "a slope of light": lambda: np.tile(np.linspace(60, 200, 300).astype(np.uint8), (200, 1)),
    "noise": lambda: np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8),
    "soft noise": lambda: np.random.default_rng(1).normal(128, 8, (200, 300)).clip(0, 255).astype(np.uint8),
    "blank paper": lambda: draw_paper(200, 300, noise=6),
    "a shadow": lambda: draw_paper(300, 400, shadow=0.6, noise=4),
    "ruled paper": lambda: draw_paper(300, 400, ruling="ruled"),
    "dotted paper": lambda: draw_paper(300, 400, ruling="dotted", pitch=60),
    "squared paper": lambda: draw_paper(300, 400, ruling="grid"),
    "a frame": lambda: draw_paper(300, 400, ruling="framed"),
    "specks": lambda: draw_paper(300, 400, specks=60),
    "a blot": lambda: np.where(np.hypot(*np.mgrid[-60:60, -60:60]) < 30, 20, 230).astype(np.uint8),
}


@pytest.mark.parametrize("kind", NOTHING)
def test_no_number_comes_from_nothing(kind: str, pipeline: Neighbours) -> None:
    """A picture without a number gives an empty reading."""
    reading = read_number(NOTHING[kind](), pipeline)
    assert (reading.text, reading.lines, reading.digits) == ("", (), ())


@settings(max_examples=30)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.sampled_from([(), (3,)]),
    seed=st.integers(0, 2**32 - 1),
    levels=st.integers(1, 256),
)
def test_any_pixels_are_answered(
    height: int, width: int, channels: tuple[int, ...], seed: int, levels: int, pipeline: Neighbours
) -> None:
    """Whatever they are: with digits inside the picture, or without any; what is nearly black is refused."""
    picture = np.random.default_rng(seed).integers(0, levels, (height, width, *channels), np.uint8)
    if picture.min() < picture.max() <= 3:
        with pytest.raises(DataError, match=r"nearly black.*multiply by"):
            read_number(picture, pipeline)
        return
    for digit in read_number(picture, pipeline).digits:
        assert 0 <= digit.box[0] < digit.box[2] <= width
        assert 0 <= digit.box[1] < digit.box[3] <= height


def test_what_is_no_digit_is_left_out(pipeline: Neighbours) -> None:
    """Where something can tell; and it sees what the classifier sees."""
    picture = written("3082", seed=2)
    seen: list[Picture] = []

    def never(images: Picture) -> npt.NDArray[np.float32]:
        seen.append(images)
        return np.zeros(len(images), np.float32)

    assert read_number(picture, pipeline, is_digit=never).lines == ()
    assert seen[0].dtype == np.uint8
    assert seen[0].shape[1:] == (28, 28)
    always = read_number(picture, pipeline, is_digit=lambda images: np.ones(len(images), np.float32))
    assert always.text == "3082"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no_such.png", "no_such.png"),
        (b"no picture", "it begins with"),
        (np.full((20, 20), np.nan), "0..1"),
        (np.zeros((0, 5), np.uint8), "pixel"),
        (np.zeros((5, 5, 5), np.uint8), "channels"),
    ],
)
def test_what_is_no_picture_is_refused(source: Any, message: str, pipeline: Neighbours) -> None:
    """One error that says what is wrong with it."""
    with pytest.raises(DataError, match=message):
        read_number(source, pipeline)


def test_a_pipeline_must_have_learnt() -> None:
    """Before that there is nobody to ask."""
    with pytest.raises(NotFittedError, match="fit"):
        read_number(written("30"), Pipeline())


def test_the_same_picture_gives_the_same_reading(pipeline: Neighbours) -> None:
    """And is not changed by being read."""
    picture = written("30582", seed=14, paper={"shadow": 0.4})
    before = picture.copy()
    first, second = (read_number(picture, pipeline).to_dict() for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(picture, before)


def test_the_pretrained_pipeline_reads_what_people_write(shared_data: Path) -> None:
    """Pencil scans on a dotted line with continental forms, phone photos, drawings."""
    pipe, folder = Pipeline.pretrained(), shared_data / "wild" / "numbers"
    with open(folder / "labels.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    right = [pipe.read_number(folder / row["file"]).text == row["transcription"] for row in rows]
    assert sum(right) >= 10


@pytest.mark.slow
def test_the_pretrained_pipeline_leaves_out_what_is_no_digit() -> None:
    """Of scribbles, letters and shapes most give no number at all, though any part of them might be a digit."""
    pipe = Pipeline.pretrained()
    drawn = draw_nondigits(60, kinds=["scribble", "letter", "shape"], seed=5).images
    pictures = [np.pad(255 - image.repeat(2, 0).repeat(2, 1), 30, constant_values=255) for image in drawn]
    assert sum(bool(pipe.read_number(picture).text) for picture in pictures) <= 20


READING = Reading(
    digits=(
        DigitReading(label=4, probability=0.5, box=(10, 5, 30, 40), line=0),
        DigitReading(label=2, probability=0.98, box=(36, 6, 58, 41), line=0),
        DigitReading(label=7, probability=0.99, box=(12, 50, 30, 80), line=1),
    ),
    image=np.full((90, 70), 255, np.uint8),
)


def test_a_reading_becomes_json_and_text() -> None:
    """With nothing lost but the picture."""
    assert READING.lines == ("42", "7")
    assert READING.text == "42\n7"
    plain = json.loads(json.dumps(READING.to_dict()))
    assert (plain["text"], plain["lines"]) == ("42\n7", ["42", "7"])
    again = [DigitReading(**{**digit, "box": tuple(digit["box"])}) for digit in plain["digits"]]
    assert tuple(again) == READING.digits


def test_the_picture_of_a_reading_has_a_box_and_a_label_for_each_digit() -> None:
    """On the pixels that were read; what is not sure has another colour."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    display = READING.plot(ax=ax)
    assert display.ax_ is ax
    assert [text.get_text() for text in ax.texts] == ["4", "2", "7"]
    assert [patch.get_bbox().bounds for patch in ax.patches] == [
        (9.5, 4.5, 20, 35),
        (35.5, 5.5, 22, 35),
        (11.5, 49.5, 18, 30),
    ]
    colours = [text.get_color() for text in ax.texts]
    assert colours[0] != colours[1] == colours[2]
    (image,) = ax.images
    assert image.get_array().shape == (90, 70)


def test_an_empty_reading_is_drawn_too() -> None:
    """It says that it is empty."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    display = Reading(digits=(), image=np.zeros((9, 9, 3), np.uint8)).plot(ax=Figure().add_subplot())
    assert display.ax_.get_title() == "nothing read"


def test_plot_reading_refuses_what_does_not_belong_together() -> None:
    """As many labels and probabilities as boxes."""
    image = np.zeros((9, 9), np.uint8)
    with pytest.raises(DataError, match="as many labels as boxes: expected 1; got 2"):
        plot_reading(image, [(0, 0, 5, 5)], [1, 2])
    with pytest.raises(DataError, match="as many probabilities as boxes: expected 1; got 0"):
        plot_reading(image, [(0, 0, 5, 5)], [1], [])
    with pytest.raises(DataError, match="must have shape"):
        plot_reading(np.zeros(5), [], [])
