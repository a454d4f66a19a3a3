"""The pen: single digits, whole numbers and paper."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import draw_digits, draw_number, draw_paper, list_allographs

STYLES = ["american", "continental", "school"]
APART = {"5-check", "5-dee", "5-flag-apart", "7-wave-apart"}  # whose strokes do not meet


def ink_boxes(images: npt.NDArray[np.uint8]) -> list[tuple[slice, slice]]:
    """Return rows and columns of the smallest box around each image's ink."""
    return [ndimage.find_objects((image > 0).astype(int))[0] for image in images]


def centres(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the centres of mass (row, column), pixel centres at i + 0.5."""
    return np.array([ndimage.center_of_mass(image) for image in images.astype(float)]) + 0.5


@pytest.fixture(scope="module")
def drawn() -> Dataset:
    """Return digits of both styles."""
    return draw_digits(600, seed=0)


def test_labels_run_through_the_digits_again_and_again(drawn: Dataset) -> None:
    """Every class has equally many images."""
    assert drawn.labels.tolist() == [index % 10 for index in range(600)]
    assert drawn.images.shape == (600, 28, 28)
    assert drawn.images.dtype == np.uint8
    assert drawn.class_names == tuple("0123456789")


def test_chosen_digits_are_the_only_ones() -> None:
    """The class names stay those of all ten, so that labels mean the same everywhere."""
    some = draw_digits(9, digits=[7, 1, 4, 1])
    assert some.labels.tolist() == [1, 4, 7] * 3
    assert len(some.class_names) == 10


@settings(max_examples=25)
@given(n=st.integers(0, 600), seed=st.integers(0, 1))
def test_more_digits_only_add_to_them(n: int, seed: int, drawn: Dataset) -> None:
    """A digit depends on the seed and on its position alone, and the same seed gives the same bytes."""
    some = draw_digits(n, seed=seed)
    if seed == 0:
        np.testing.assert_array_equal(some.images, drawn.images[:n])
    else:
        assert not (some.images == drawn.images[:n]).all(axis=(1, 2)).any()


def test_no_two_digits_are_the_same(drawn: Dataset) -> None:
    """Blocks that are drawn together do not repeat one another."""
    assert len(np.unique(drawn.images.reshape(600, -1), axis=0)) == 600


def test_the_global_generator_is_left_alone() -> None:
    """Drawing takes nothing from the user's own random numbers."""
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    draw_digits(20)
    draw_number("12")
    draw_paper(20, 20)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("size", [28, 56])
@pytest.mark.parametrize("style", STYLES)
def test_digits_are_laid_out_as_mnist_is(style: str, size: int) -> None:
    """The longer side of the box is 20 of 28 pixels and the centre of mass falls on the middle."""
    images = draw_digits(200, styles=style, size=size, seed=2).images
    boxes = ink_boxes(images)
    longest = np.array([max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes])
    box = size * 20 // 28
    assert longest.max() <= box
    assert (longest == box).mean() > 0.9
    inside = np.array([min(r.start, c.start) > 0 and max(r.stop, c.stop) < size for r, c in boxes])
    assert inside.mean() > 0.9
    assert (centres(images[inside]) > size / 2 - 1e-6).all()
    assert (centres(images[inside]) <= size / 2 + 1 + 1e-6).all()


def test_ink_is_bright_on_black(drawn: Dataset) -> None:
    """Every digit reaches full white, and the border is black but for a few whose mass lies at one end, as in MNIST."""
    assert (drawn.images.max(axis=(1, 2)) == 255).mean() > 0.95
    assert drawn.images.max(axis=(1, 2)).min() > 200
    assert np.median(drawn.images) == 0
    assert (drawn.images[:, [0, -1]].max(axis=(1, 2)) > 0).mean() < 0.04


def test_a_thicker_pen_lays_more_ink() -> None:
    """The two numbers bound the width."""
    thin, thick = (draw_digits(100, pen_width=width).images.mean() for width in ((1.2, 1.4), (3.6, 4.0)))
    assert 2 * thin < thick


def test_without_variation_a_form_is_always_the_same() -> None:
    """What is left is the width and the softness of the pen."""
    names = ["3-round"]
    spread = [
        draw_digits(50, allographs=names, variation=variation, pen_width=(2, 2)).images.std(axis=0).mean()
        for variation in (0, 0.5, 1, 2)
    ]
    assert spread == sorted(spread)
    assert spread[0] < spread[2] / 5


@pytest.mark.parametrize("style", STYLES)
def test_every_style_writes_every_digit(style: str) -> None:
    """Each has one form at least."""
    assert {name[0] for name in list_allographs(styles=style)} == set("0123456789")


def test_styles_differ_where_hands_do() -> None:
    """The continental forms are no American's."""
    american, continental = (set(list_allographs(styles=style)) for style in ("american", "continental"))
    assert {"1-upstroke", "1-tent", "4-phi", "4-slanted", "7-x"} <= continental - american
    assert {"1-stroke", "7-plain", "4-closed"} <= american
    assert set(list_allographs(digits=[4, 7])) == {name for name in list_allographs() if name[0] in "47"}


@pytest.mark.parametrize("name", list_allographs())
def test_a_form_is_one_figure_of_its_digit(name: str) -> None:
    """Strokes hang together but for a flag or a bar now and then, and none gets lost."""
    drawn = draw_digits(100, allographs=[name], seed=3)
    assert set(drawn.labels.tolist()) == {int(name[0])}
    shares = []
    for image in drawn.images:
        parts, _ = ndimage.label(image > 80, np.ones((3, 3)))
        sizes = np.bincount(parts.ravel())[1:]
        shares.append(sizes.max() / sizes.sum())
    assert min(shares) > 0.4
    assert np.mean(shares) > (0.7 if name in APART else 0.93)
    ink = drawn.images.sum(axis=(1, 2)) / 255
    assert ink.min() > 15
    assert ink.max() < 300


def test_forms_are_drawn_as_often_as_their_weights_say() -> None:
    """A plain stroke is the American 1: most of them are narrow."""
    images = draw_digits(300, styles="american", digits=[1], seed=4).images
    narrow = [columns.stop - columns.start < 14 for _, columns in ink_boxes(images)]
    assert 0.7 < np.mean(narrow) < 0.98


@pytest.mark.parametrize("style", ["american", "continental"])
def test_what_reads_mnist_reads_american_digits_but_not_all_continental_ones(shared_data: Path, style: str) -> None:
    """Nearest neighbours among MNIST's digits see the American forms as they are, and a 1 with an upstroke as a 7."""
    from sklearn.neighbors import KNeighborsClassifier

    mnist = load_dataset("mnist", subset="train", data_dir=shared_data, download=False)[:6000]
    reader = KNeighborsClassifier(3).fit(mnist.images.reshape(6000, -1) / 255.0, mnist.labels)
    drawn = draw_digits(600, styles=style, seed=5)
    answers = reader.predict(drawn.images.reshape(600, -1) / 255.0)
    right = {digit: float(np.mean(answers[drawn.labels == digit] == digit)) for digit in range(10)}
    if style == "american":
        assert np.mean(list(right.values())) > 0.9
    else:
        assert right[1] < 0.8
        assert right[7] < 0.9
        assert Counter(answers[drawn.labels == 1].tolist()).most_common(2)[0][0] in (1, 7)


def test_drawn_digits_have_mnists_ink_and_proportions(shared_data: Path) -> None:
    """Per digit the median share of ink and the median width are within a third of MNIST's, and mostly far nearer."""
    mnist = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)[:3000]
    drawn = draw_digits(2000, styles="american", seed=6)

    def medians(dataset: Dataset) -> npt.NDArray[np.float64]:
        rows = []
        for digit in range(10):
            images = np.asarray(dataset.images[dataset.labels == digit])
            widths = [columns.stop - columns.start for _, columns in ink_boxes(images)]
            rows.append((np.median(images.mean(axis=(1, 2))), np.median(widths)))
        return np.array(rows)

    ratios = medians(drawn) / medians(mnist)
    assert (np.abs(np.log(ratios)) < np.log(1.35)).all(), ratios
    assert np.abs(np.log(ratios)).mean() < np.log(1.12), ratios


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": -1}, r"n must be an integer of at least 0; got -1"),
        ({"n": 2.5}, r"n must be an integer"),
        ({"n": True}, r"n must be an integer"),
        ({"seed": -1}, r"seed must be an integer from 0 to 4294967295; got -1"),
        ({"seed": 2**32}, r"seed must be"),
        ({"size": 11}, r"size must be an integer from 12 to 512; got 11"),
        ({"styles": "americn"}, r"no 'americn'\. Did you mean 'american'\? Choose among american, continental, school"),
        ({"styles": []}, r"styles must name at least one"),
        ({"styles": 3}, r"styles must name at least one"),
        ({"digits": [1, 10]}, r"digits must be integers from 0 to 9; got 10"),
        ({"digits": []}, r"digits must be one or more"),
        ({"digits": 7}, r"digits must be one or more"),
        ({"allographs": ["7-cross"]}, r"no '7-cross'\. Did you mean '7-crossed'"),
        ({"allographs": ["7-crossed"], "digits": [1, 7]}, r"none of the given allographs is a 1"),
        ({"pen_width": (3, 2)}, r"least number first; got \(3, 2\)"),
        ({"pen_width": 3}, r"pen_width must be two numbers"),
        ({"pen_width": (0, 2)}, r"each of the two numbers of pen_width must be a number from 0.5 to 10; got 0"),
        ({"variation": float("nan")}, r"variation must be a number from 0 to 2; got nan"),
    ],
)
def test_digits_that_cannot_be_meant_are_refused(options: dict[str, object], message: str) -> None:
    """The message names the setting, what it may be and what it was."""
    with pytest.raises(SettingError, match=message):
        draw_digits(**{"n": 1, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("spacing", [0.3, 0.12, -0.05])
def test_a_number_says_where_its_digits_are(style: str, spacing: float) -> None:
    """Boxes are in reading order and tight, and there is no ink outside them."""
    number = draw_number("3141592653", style=style, spacing=spacing, seed=1)
    assert number.labels.tolist() == [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    height, width = number.image.shape
    left, top, right, bottom = number.boxes.T
    assert (np.diff((left + right) / 2) > 0).all()
    assert (left > 0).all()
    assert (top > 0).all()
    assert (right < width).all()
    assert (bottom < height).all()
    outside = number.image.copy()
    for x0, y0, x1, y1 in number.boxes:
        outside[y0:y1, x0:x1] = 0
        digit = number.image[y0:y1, x0:x1]
        for side in (digit[0], digit[-1], digit[:, 0], digit[:, -1]):
            assert side.max() > 60
    assert outside.max() <= 65
    assert np.median(np.abs(bottom - number.baselines[0])) < 8


def test_spacing_decides_whether_digits_touch() -> None:
    """Apart there is a figure for each digit; pushed together there are fewer."""

    def count(spacing: float) -> float:
        numbers = [draw_number("0286", style="school", spacing=spacing, seed=seed) for seed in range(20)]
        return float(np.mean([ndimage.label(number.image > 80, np.ones((3, 3)))[1] for number in numbers]))

    assert count(0.3) == pytest.approx(4, abs=0.2)
    assert count(-0.1) < 2.5


def test_one_hand_writes_a_number_one_way() -> None:
    """All its sevens have the same form, and other hands have others."""
    counts = set()
    for seed in range(12):
        number = draw_number("7777", style="continental", seed=seed, height=64, pen_width=(0.05, 0.05))
        widths = number.boxes[:, 2] - number.boxes[:, 0]
        assert widths.max() < 1.6 * widths.min()
        counts.add(int(widths.mean()))
    assert len(counts) > 4


def test_lines_lie_below_one_another_and_spaces_part_numbers() -> None:
    """A newline starts a line on a baseline of its own; a space is wider than any gap."""
    number = draw_number("12 34\n56", seed=3)
    assert number.labels.tolist() == [1, 2, 3, 4, 5, 6]
    assert number.text == "12 34\n56"
    assert len(number.baselines) == 2
    assert number.boxes[4:, 1].min() > number.boxes[:4, 3].max() - 10
    gaps = number.boxes[1:4, 0] - number.boxes[0:3, 2]
    assert gaps[1] > max(gaps[0], gaps[2]) + 10


def test_the_height_scales_everything() -> None:
    """The same seed gives the same number in another size."""
    small, large = (draw_number("90210", seed=7, height=height) for height in (40, 160))
    np.testing.assert_allclose(large.boxes, 4 * small.boxes, atol=7)


def test_the_same_seed_gives_the_same_number() -> None:
    """And another seed another one."""
    images = [draw_number("42", seed=seed, grain=0.5).image for seed in (1, 1, 2)]
    np.testing.assert_array_equal(images[0], images[1])
    assert images[0].shape != images[2].shape or (images[0] != images[2]).any()


def test_grain_takes_ink_away_in_spots() -> None:
    """As a pencil does on rough paper."""
    full, grained = (draw_number("88", seed=1, grain=grain).image for grain in (0.0, 1.0))
    assert (grained <= full).all()
    assert 0.3 < grained.sum() / full.sum() < 0.8
    assert (grained[full == 255] == 0).any()


def test_ink_darkens_paper_and_leaves_the_rest() -> None:
    """A picture is dark on light, and the boxes hold for it."""
    number = draw_number("71", seed=2)
    paper = draw_paper(*number.image.shape, shadow=0.5, seed=2)
    picture = number.on(paper)
    np.testing.assert_array_equal(picture[number.image == 0], paper[number.image == 0])
    inked = number.image == 255
    np.testing.assert_allclose(picture[inked], paper[inked] * (45 / 255), atol=1)


@pytest.mark.parametrize(
    ("shade", "ink", "channels"),
    [(240, 20, ()), ((240, 230, 200), 20, (3,)), (240, (0, 0, 90), (3,)), ((240, 230, 200), (0, 0, 90), (3,))],
)
def test_colour_of_paper_or_ink_makes_a_colour_picture(shade: object, ink: object, channels: tuple[int, ...]) -> None:
    """Grey stays grey."""
    number = draw_number("5")
    paper = draw_paper(*number.image.shape, shade=shade, noise=0)  # type: ignore[arg-type]
    picture = number.on(paper, ink=ink)  # type: ignore[arg-type]
    assert picture.shape == (*number.image.shape, *channels)
    darkest = picture[number.image == 255][0]
    np.testing.assert_allclose(darkest, np.array(shade) * np.array(ink) / 255, atol=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "12a"}, r"text must be digits, spaces and newlines, with at least one digit; got '12a'"),
        ({"text": " \n"}, r"at least one digit"),
        ({"text": "٣"}, r"text must be digits"),
        ({"text": 12}, r"text must be digits.*got 12"),
        ({"text": "1" * 10_001}, r"at most 10000 digits; got 10001"),
        ({"text": "1" * 1000, "height": 1000}, r"a picture of \d+ x \d+ pixels; at most 100,000,000 are drawn"),
        ({"style": "french"}, r"no 'french'"),
        ({"style": ("american", "school")}, r"style must be one"),
        ({"height": 5}, r"height must be an integer from 12 to 2000; got 5"),
        ({"spacing": 4}, r"spacing must be a number from -0.5 to 3; got 4"),
        ({"grain": -0.1}, r"grain must be"),
        ({"pen_width": (0.2, 0.1)}, r"least number first"),
        ({"seed": "x"}, r"seed must be"),
        ({"variation": 3}, r"variation must be"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(options: dict[str, object], message: str) -> None:
    """The message names the setting, what it may be and what it was."""
    with pytest.raises(SettingError, match=message):
        draw_number(**{"text": "1", **options})  # type: ignore[arg-type]


def test_a_number_goes_onto_paper_of_its_size_only() -> None:
    """The message says which size and how to get it."""
    number = draw_number("1")
    for paper in (draw_paper(10, 10), np.ones(number.image.shape)):
        with pytest.raises(DataError, match=r"paper must be uint8 of shape .*draw_paper\(\*number.image.shape\)"):
            number.on(paper)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="ink must be a grey level or three levels of RGB"):
        number.on(draw_paper(*number.image.shape), ink=300)


def test_ruled_lines_are_where_they_should_be() -> None:
    """Rows are those that were asked for, or every pitch."""
    clean = {"noise": 0, "shade": 200}
    given = draw_paper(60, 50, ruling="ruled", rows=[20.5, 40.5], **clean)  # type: ignore[arg-type]
    assert np.flatnonzero((given < 120).all(axis=1)).tolist() == [20, 40]
    assert (given[25:36] == 200).all()
    regular = draw_paper(100, 50, ruling="ruled", pitch=25, **clean)  # type: ignore[arg-type]
    assert len(ndimage.find_objects(ndimage.label((regular < 200).all(axis=1))[0])) == 3
    assert regular.min() == 145  # a line between two rows covers half of each


def test_dots_squares_and_frames_are_printed() -> None:
    """Dots are many figures, squares and a frame are one."""

    def figures(ruling: str) -> int:
        paper = draw_paper(120, 200, ruling=ruling, noise=0, pitch=40)
        return int(ndimage.label(paper < 230)[1])

    assert figures("plain") == 0
    assert figures("dotted") == 2 * 20
    assert figures("grid") == 1
    assert figures("framed") == 1


def test_shadow_takes_light_from_a_part() -> None:
    """Some of the paper stays bright, some gets much darker, and nothing jumps."""
    lit = draw_paper(100, 200, noise=0, shadow=0)
    shaded = draw_paper(100, 200, noise=0, shadow=0.6).astype(int)
    assert lit.min() == lit.max() == 238
    assert shaded.max() > 170
    assert shaded.min() < 140
    assert np.abs(np.diff(shaded, axis=1)).max() < 12


def test_noise_and_specks_are_as_many_as_asked_for() -> None:
    """The deviation is the noise's, and specks are dark."""
    noisy = draw_paper(200, 200, noise=6, shade=128).astype(float)
    assert noisy.std() == pytest.approx(6, rel=0.05)
    speckled = draw_paper(200, 200, noise=0, specks=8, seed=1)
    assert 4 <= ndimage.label(speckled < 150)[1] <= 8


def test_the_same_seed_gives_the_same_paper() -> None:
    """And another seed another one."""
    papers = [draw_paper(30, 40, shadow=0.5, specks=2, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(papers[0], papers[1])
    assert (papers[0] != papers[2]).mean() > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": 0}, r"height must be an integer from 1 to 20000; got 0"),
        ({"width": 2.0}, r"width must be"),
        ({"ruling": "squared"}, r"no 'squared'.*Choose among plain, ruled, dotted, grid, framed"),
        ({"ruling": ["ruled"]}, r"ruling must be one"),
        ({"rows": [1, None]}, r"rows must be finite numbers"),
        ({"rows": [float("inf")]}, r"rows must be finite numbers"),
        ({"pitch": 1}, r"pitch must be a number of at least 4; got 1"),
        ({"print_strength": 2}, r"print_strength must be"),
        ({"shade": (1, 2)}, r"shade must be a grey level or three levels"),
        ({"shade": 3.5}, r"shade must be a grey level"),
        ({"shadow": -1}, r"shadow must be"),
        ({"noise": 65}, r"noise must be"),
        ({"specks": -1}, r"specks must be"),
    ],
)
def test_paper_that_cannot_be_meant_is_refused(options: dict[str, object], message: str) -> None:
    """The message names the setting, what it may be and what it was."""
    with pytest.raises(SettingError, match=message):
        draw_paper(**{"height": 20, "width": 20, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [{"styles": "continental"}, {"digits": [12]}])
def test_listing_forms_checks_what_is_asked_for(arguments: dict[str, object]) -> None:
    """Known styles list their forms, unknown digits are refused."""
    if "styles" in arguments:
        assert "7-crossed" in list_allographs(**arguments)  # type: ignore[arg-type]
    else:
        with pytest.raises(SettingError, match="digits must be integers from 0 to 9; got 12"):
            list_allographs(**arguments)  # type: ignore[arg-type]


def test_drawing_needs_numpy_only() -> None:
    """Neither SciPy nor TensorFlow is imported for a picture."""
    code = (
        "import sys; from lenetkit.datasets import draw_digits, draw_number, draw_paper\n"
        "number = draw_number('12'); number.on(draw_paper(*number.image.shape)); draw_digits(3)\n"
        "print(sorted({'scipy', 'tensorflow', 'keras', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
