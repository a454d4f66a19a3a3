"""The forms of the varied hands have the shapes that their names and sources say, and older draws stay as they were."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from lenetkit.exceptions import SettingError
from lenetkit.synthesis import draw_digits, draw_number, draw_paper, list_allographs
from lenetkit.synthesis._allographs import ALLOGRAPHS
from lenetkit.synthesis._hands import HANDS
from lenetkit.synthesis._pen import Hand, Trace, lay_ink, lay_steps, trace_digits

STYLES = ("american", "continental", "school")


class Shape:
    """A form as it is designed, drawn by a thin pen; positions are in digit heights, 0 the top and 1 the line."""

    def __init__(self, name: str) -> None:
        form = ALLOGRAPHS[name]
        self.strokes = [form.points[stroke[0] : stroke[-1] + 1] for stroke in form.strokes]
        self.first, self.last = self.strokes[0][0], self.strokes[0][-1]
        self.low, self.high = form.points.min(axis=0), form.points.max(axis=0)
        page = lay_ink(traced(name).moved(np.array([100.0]), np.array([[40.0, 40.0]])), 180, 190)[0]
        self.page: npt.NDArray[np.bool_] = page > 0.4
        paper, count = ndimage.label(~self.page)
        inside = [paper == index for index in range(1, count + 1) if index != paper[0, 0]]
        self.holes = [hole for hole in inside if hole.sum() >= 8]

    def runs(self, y: float) -> int:
        """Return how often a row meets the form."""
        return int(ndimage.label(self.page[int(40 + 100 * y)])[1])

    def extent(self, y: float) -> float:
        """Return how far the form reaches along a row."""
        return float(np.ptp(np.flatnonzero(self.page[int(40 + 100 * y)]))) / 100

    def hole(self, index: int = 0) -> tuple[float, float, float, float]:
        """Return top, bottom, middle column and area of a hole, the highest one first."""
        rows, columns = np.nonzero(self.holes[index])
        return (rows.min() - 40) / 100, (rows.max() - 40) / 100, (columns.mean() - 40) / 100, float(len(rows))


class Still:
    """Random streams of n digits that never move the pen."""

    def __init__(self, n: int) -> None:
        self.n = n

    def normal(self, *shape: int) -> npt.NDArray[np.float64]:
        """Return zeros."""
        return np.zeros((self.n, *shape))

    def uniform(self, low: float, _high: float, *shape: int) -> npt.NDArray[np.float64]:
        """Return the lowest numbers."""
        return np.full((self.n, *shape), low, float)


def traced(*names: str) -> Trace:
    """Return forms as they are designed."""
    traits = ("slant", "stretch", "rotation", "roundness", "looseness")
    hand = Hand(**{trait: np.zeros(len(names)) for trait in traits})
    trace = trace_digits([ALLOGRAPHS[name] for name in names], hand, Still(len(names)), 96)  # type: ignore[arg-type]
    return attrs.evolve(trace, radii=0.03 * trace.radii)


# For each form the number of holes, the number of strokes, and what else makes it that form.
SHAPES: Mapping[str, tuple[int, int, Callable[[Shape], bool]]] = {
    "0-half-high": (1, 1, lambda shape: shape.low[1] > 0.4),
    "0-tailed": (2, 1, lambda shape: shape.last[0] == shape.high[0] and shape.last[1] < 0.2),
    "0-slashed": (2, 2, lambda shape: shape.runs(0.52) == 3),
    "0-gap": (0, 1, lambda shape: shape.first[1] < 0.2 and shape.last[1] < 0.2 and shape.runs(0.6) == 2),
    "0-arched": (
        1,
        1,
        lambda shape: shape.first[0] == shape.low[0] and shape.last[0] == shape.high[0] and shape.last[1] < 0.1,
    ),
    "0-threaded": (2, 1, lambda shape: shape.last[0] == shape.high[0] and 0.1 < shape.last[1] < 0.3),
    "0-narrow": (1, 1, lambda shape: shape.high[0] - shape.low[0] < 0.45),
    "1-tall-tent": (0, 1, lambda shape: shape.first[1] > 1.1 and shape.runs(0.7) == 2),
    "1-swung": (0, 1, lambda shape: shape.last[0] > shape.first[0] + 0.2 and shape.runs(0.4) == 1),
    "1-steep": (0, 1, lambda shape: shape.first[0] > shape.last[0] + 0.25 and shape.runs(0.5) == 1),
    "1-hat": (0, 1, lambda shape: shape.first[0] < -0.1 and 0.5 < shape.first[1] < 0.8 and shape.runs(0.4) == 2),
    "1-looped": (1, 1, lambda shape: shape.hole()[1] < 0.25 and shape.hole()[3] < 150 and shape.first[0] < -0.1),
    "1-crossed-top": (0, 1, lambda shape: shape.first[0] < -0.1 and shape.low[1] < -0.04 and shape.runs(0.4) == 2),
    "2-hooked": (0, 1, lambda shape: shape.first[0] > 0.25 and shape.runs(shape.first[1] - 0.02) == 3),
    "2-zed": (0, 1, lambda shape: shape.extent(0.05) > 0.5 and shape.extent(0.97) > 0.6),
    "2-swash": (1, 1, lambda shape: shape.last[0] > 0.9 and shape.extent(0.2) < 0.6),
    "2-closed-head": (
        1,
        1,
        lambda shape: shape.hole()[1] < 0.45 and shape.hole()[3] > 500 and shape.extent(0.97) > 0.6,
    ),
    "2-cue": (2, 1, lambda shape: shape.hole(0)[1] < 0.45 and shape.hole(1)[0] > 0.7),
    "2-ribbon": (1, 1, lambda shape: shape.hole()[0] > 0.8 and shape.hole()[3] > 120 and shape.extent(0.2) > 0.3),
    "2-pound": (1, 1, lambda shape: shape.hole()[0] > 0.8 and shape.hole()[3] < 100 and shape.last[1] < 0.95),
    "2-ell": (0, 1, lambda shape: shape.high[0] - shape.low[0] < 0.65 and shape.runs(0.6) == 1),
    "3-tailed": (0, 1, lambda shape: shape.high[1] > 1.15 and shape.last[0] == shape.low[0]),
    "3-angular": (0, 1, lambda shape: shape.extent(0.03) > 0.4 and shape.last[0] == shape.low[0]),
    "3-flat-hooked": (0, 1, lambda shape: shape.extent(0.04) > 0.5 and shape.last[1] < shape.high[1]),
    "3-zed": (0, 1, lambda shape: shape.last[0] == shape.low[0] and shape.runs(0.5) == 1),
    "3-shallow": (0, 1, lambda shape: shape.runs(0.3) == 1 and shape.runs(0.7) == 1),
    "4-looped": (1, 2, lambda shape: shape.hole()[2] < 0.3 and shape.runs(0.15) == 1),
    "4-phi-low": (1, 1, lambda shape: 0.25 < shape.hole()[0] < 0.45 and shape.first[1] < 0 and shape.runs(0.1) == 1),
    "4-y": (0, 1, lambda shape: shape.runs(0.2) == 2 and shape.last[1] > 1),
    "4-lightning": (0, 2, lambda shape: shape.strokes[1][0][1] > 0.3),
    "4-bar-first": (1, 1, lambda shape: shape.first[0] == shape.high[0] and shape.last[1] > 1),
    "4-aitch": (0, 1, lambda shape: shape.runs(0.2) == 1 and shape.runs(0.62) == 2 and shape.last[1] > 1),
    "4-chair": (0, 1, lambda shape: shape.runs(0.2) == 1 and shape.runs(0.9) == 1 and shape.extent(0.57) > 0.5),
    "4-ell": (0, 2, lambda shape: shape.strokes[1][0][1] > 0.3 and shape.runs(0.5) == 2),
    "4-curl": (1, 1, lambda shape: shape.hole()[2] > 0.3 and shape.first[0] < 0.25 and shape.runs(0.9) == 1),
    "5-root": (0, 1, lambda shape: shape.last[0] == shape.high[0] and shape.last[1] < 0.05 and shape.runs(0.7) == 2),
    "5-pointed": (0, 2, lambda shape: shape.runs(0.7) == 1 and shape.strokes[1][-1][0] > 0.7),
    "5-flag-apart": (
        0,
        2,
        lambda shape: shape.strokes[1][:, 0].min() > shape.strokes[0][:, 0].max() and shape.low[1] < 0.1,
    ),
    "5-dee": (1, 2, lambda shape: shape.hole()[0] > 0.4 and shape.strokes[1][:, 0].min() > 0.55),
    "5-steep": (0, 2, lambda shape: shape.high[1] < 1.1 and shape.strokes[1][-1][1] < 0 and shape.runs(0.7) == 1),
    "5-tailed": (0, 2, lambda shape: shape.high[1] > 1.15),
    "5-check": (0, 2, lambda shape: shape.strokes[1][0][0] > shape.strokes[0][-1][0] and shape.runs(0.7) == 2),
    "5-bare-check": (0, 1, lambda shape: shape.last[0] == shape.high[0] and shape.runs(0.7) == 2),
    "5-ess": (0, 1, lambda shape: shape.first[0] == shape.high[0] and shape.last[0] == shape.low[0]),
    "5-lightning": (0, 1, lambda shape: shape.first[0] == shape.high[0] and shape.last[1] > 1),
    "6-flat-topped": (1, 1, lambda shape: shape.first[0] == shape.high[0] and shape.extent(0.04) > 0.35),
    "6-small-bowl": (1, 1, lambda shape: shape.hole()[0] > 0.65 and shape.low[1] < -0.05),
    "6-upright": (1, 1, lambda shape: shape.first[0] < 0.25 and shape.hole()[0] > 0.45),
    "6-tiny-bowl": (1, 1, lambda shape: shape.hole()[0] > 0.7 and shape.hole()[3] < 600),
    "7-plus": (0, 2, lambda shape: bool(np.ptp(shape.strokes[1][:, 0]) > 3 * np.ptp(shape.strokes[0][:2, 0]))),
    "7-small-plus": (0, 2, lambda shape: shape.low[1] > 0.2 and shape.runs(0.3) == 1 and shape.high[1] < 1),
    "7-dagger": (0, 2, lambda shape: shape.runs(0.1) == 1 and shape.extent(0.1) < 0.1 and shape.runs(0.8) == 1),
    "7-tick": (0, 1, lambda shape: shape.runs(0.1) == 3 or shape.runs(0.15) == 2),
    "7-eyed": (1, 1, lambda shape: shape.hole()[1] < 0.2 and shape.hole()[2] < 0.2 and shape.last[1] > 1),
    "7-wave-apart": (0, 2, lambda shape: shape.strokes[0][:, 0].max() < 0.35 and shape.runs(0.6) == 1),
    "7-crossed-low": (0, 2, lambda shape: shape.strokes[1][:, 1].min() > 0.6),
    "7-bowed": (0, 2, lambda shape: shape.strokes[0][-1][0] > shape.strokes[0][-2][0]),
    "7-hook-tailed": (0, 1, lambda shape: shape.last[0] == shape.low[0] and shape.last[1] < shape.high[1]),
    "7-tee": (0, 2, lambda shape: bool(np.ptp(shape.strokes[1][:, 0]) > 4 * np.ptp(shape.strokes[0][:2, 0]))),
    "7-crossed-wave": (0, 2, lambda shape: int((np.diff(np.sign(np.diff(shape.strokes[1][:, 1]))) != 0).sum()) == 2),
    "7-narrow-crossed": (0, 2, lambda shape: shape.extent(0.05) < 0.5 < float(np.ptp(shape.strokes[1][:, 0]))),
    "8-slim": (2, 1, lambda shape: shape.high[0] - shape.low[0] < 0.45 and shape.hole(1)[2] < shape.hole(0)[2]),
    "8-ribbon": (1, 1, lambda shape: shape.runs(0.1) == 2 and shape.hole()[0] > 0.4),
    "8-ribbon-foot": (1, 1, lambda shape: shape.runs(0.9) == 2 and shape.hole()[1] < 0.6),
    "8-tiny-head": (2, 1, lambda shape: 3 * shape.hole(0)[3] < shape.hole(1)[3]),
    "8-tiny-foot": (2, 1, lambda shape: shape.hole(0)[3] > 3 * shape.hole(1)[3]),
    "8-two-strokes": (1, 2, lambda shape: shape.runs(0.1) == 2 and shape.hole()[0] > 0.45),
    "8-wide-ribbon": (
        1,
        1,
        lambda shape: shape.runs(0.05) == 2 and shape.extent(0.05) > 0.55 and shape.hole()[0] > 0.4,
    ),
    "9-p": (1, 1, lambda shape: shape.hole()[2] > 0.3 and shape.last[0] < 0.25 and shape.first[1] > 1),
    "9-ribbon": (1, 1, lambda shape: shape.hole()[1] < 0.5 and shape.last[0] < 0.25),
    "9-small-head": (1, 1, lambda shape: shape.hole()[1] < 0.35 and shape.runs(0.8) == 1),
    "9-small-head-hooked": (1, 1, lambda shape: shape.hole()[1] < 0.35 and shape.last[0] == shape.low[0]),
    "9-g": (2, 1, lambda shape: shape.hole(0)[1] < 0.5 and shape.hole(1)[0] > 0.7),
    "9-ell": (1, 1, lambda shape: shape.hole()[1] < 0.55 and shape.last[0] < 0.25 and shape.low[1] < 0),
    "9-open-p": (0, 2, lambda shape: shape.first[1] > 1 and shape.strokes[1][-1][0] > 0.3),
    "9-thin": (1, 1, lambda shape: shape.hole()[1] < 0.45 and shape.high[0] - shape.low[0] < 0.35),
    "9-unclosed": (0, 1, lambda shape: shape.runs(0.1) == 2 and shape.last[1] > 1),
}


@functools.cache
def designed(name: str) -> Shape:
    """Return a form's shape."""
    return Shape(name)


@pytest.mark.parametrize("name", HANDS)
def test_a_form_of_the_varied_hands_has_the_shape_that_it_is_named_after(name: str) -> None:
    """Its holes, its strokes, and where it begins, ends and crosses itself."""
    holes, strokes, rule = SHAPES[name]
    shape = designed(name)
    assert (len(shape.holes), len(shape.strokes)) == (holes, strokes)
    assert rule(shape)


@pytest.mark.parametrize("name", HANDS)
def test_a_form_of_the_varied_hands_names_its_source(name: str) -> None:
    """One line that says who writes so; only the style "varied" uses it."""
    form = HANDS[name]
    assert len(form.source.split()) >= 2
    assert "\n" not in form.source
    assert set(ALLOGRAPHS[name].weights) == {"varied"}


def test_varied_hands_write_the_old_forms_too() -> None:
    """All but those that only schools teach; about half are new."""
    varied = set(list_allographs(styles="varied"))
    assert set(list_allographs(styles=["american", "continental"])) | set(HANDS) == varied
    for digit in "0123456789":
        weights = {name: ALLOGRAPHS[name].weights["varied"] for name in varied if name[0] == digit}
        new = sum(weight for name, weight in weights.items() if name in HANDS) / sum(weights.values())
        assert 0.2 < new < 0.75


def digest(array: Any) -> str:
    """Return a hash of the bytes of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_what_was_drawn_before_is_drawn_still() -> None:
    """The bytes are those that version 0.1 draws for these seeds."""
    digits = {style: digest(draw_digits(60, styles=style, seed=3).images) for style in STYLES}
    assert digits == {
        "american": "324cbd5aa7a43f73",
        "continental": "825e56f6c888d345",
        "school": "5cf5b40cead6b56a",
    }
    assert digest(draw_digits(300).images) == "813dd9018f9d276e"
    numbers = {}
    for style in STYLES:
        number = draw_number("31415 92\n6535", style=style, seed=4, spacing=0.05, grain=0.3)
        numbers[style] = digest(number.image) + digest(number.boxes)
    assert numbers == {
        "american": "ae27780387b014cbea54ec71773ccd43",
        "continental": "35c75fb031e10d48f6813cc2f69db7ec",
        "school": "5bf79faa072fb996cfd1b47aacc21c04",
    }
    assert digest(draw_paper(60, 200, ruling="dotted", shadow=0.4, specks=4, seed=5)) == "0811a2179e96c763"


@pytest.mark.parametrize("text", ["000", "0028", "61"])
def test_joined_digits_are_one_figure(text: str) -> None:
    """The pen stays down between neighbours, and their boxes are the same as apart."""
    apart = draw_number(text, style="varied", spacing=0.4, seed=2)
    joined = draw_number(text, style="varied", spacing=0.4, seed=2, joined=1.0)
    np.testing.assert_array_equal(joined.boxes, apart.boxes)
    assert (joined.image >= apart.image).all()
    count = [ndimage.label(number.image > 60, np.ones((3, 3)))[1] for number in (joined, apart)]
    assert count[0] == 1
    assert count[1] >= len(text)


def test_no_stroke_joins_what_a_space_or_a_line_parts() -> None:
    """Only neighbours are joined."""
    parted = draw_number("1 2\n3", seed=1, joined=1.0)
    np.testing.assert_array_equal(parted.image, draw_number("1 2\n3", seed=1).image)


def test_a_fraction_that_is_none_is_refused() -> None:
    """The message names the setting and what it was."""
    with pytest.raises(SettingError, match=r"joined must be a number from 0 to 1; got 2"):
        draw_number("12", joined=2)


def test_ribbon_eights_interlock() -> None:
    """Pushed together their open ends cross: boxes overlap and the ink is one figure."""
    trace = traced("8-ribbon", "8-ribbon")
    ink = lay_steps(trace.moved(np.full(2, 60.0), np.array([[10.0, 10.0], [10 + 60 * 0.48, 10.0]])), 90, 110)
    assert ndimage.label(ink.max(axis=0) > 0.4, np.ones((3, 3)))[1] == 1
    assert len(designed("8-ribbon").holes) == 1


def test_both_ways_of_laying_ink_agree() -> None:
    """Windows around the steps give the pixels that whole pictures give, at the border too."""
    trace = traced("8-ribbon", "5-root", "4-looped", "7-plus")
    trace = trace.moved(np.full(4, 40.0), np.array([[3.0, 4.0], [-9, -5], [20, 12], [60, 60]]))
    np.testing.assert_allclose(lay_steps(trace, 44, 52), lay_ink(trace, 44, 52), atol=1e-4)
