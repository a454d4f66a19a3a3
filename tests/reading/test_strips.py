"""Lines of writing are found in pictures of all kinds, and cut out straight; on empty paper there are none."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lenetkit.reading._strips import HEIGHT, Strip, find_strips, whole_strip
from lenetkit.synthesis import draw_number, draw_paper

Picture = npt.NDArray[np.uint8]

SPEC = importlib.util.spec_from_file_location("_scenes", Path(__file__).parents[2] / "benchmarks" / "_scenes.py")
assert SPEC is not None
assert SPEC.loader is not None
scenes: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(scenes)


def to_strip(strip: Strip, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the columns and rows in a strip of points of the picture."""
    inverse = np.linalg.inv(np.vstack([strip.matrix, (0, 0, 1)]))
    return np.asarray(inverse[:2, :2] @ np.stack([np.asarray(x, float), np.asarray(y, float)]) + inverse[:2, 2:])


def holds(strip: Strip, boxes: npt.NDArray[np.int64]) -> bool:
    """Tell whether all digits lie within a strip, 16 to 36 rows high in the middle."""
    left, top, right, bottom = boxes.T
    columns, rows = to_strip(strip, np.concatenate([left, right]), np.concatenate([(top + bottom) / 2] * 2))
    ends = to_strip(strip, (left + right) / 2, top)[1], to_strip(strip, (left + right) / 2, bottom)[1]
    inside = columns.min() > -2 and columns.max() < strip.image.shape[1] + 2
    inside = inside and min(ends[0].min(), rows.min()) > -3 and max(ends[1].max(), rows.max()) < HEIGHT + 3
    return bool(inside and 13 <= np.median(ends[1] - ends[0]) <= 38)


def count_found(kind: str, n: int, seed: int = 0) -> tuple[int, int]:
    """Return how many lines of so many scenes are whole in one strip, and how many there are."""
    found = total = 0
    for number in range(seed, seed + n):
        scene = scenes.compose_scene(kind, number)
        strips = find_strips(scene.picture)
        found += sum(any(holds(strip, boxes) for strip in strips) for _, boxes in scene.lines)
        total += len(scene.lines)
    return found, total


@pytest.mark.parametrize("kind", list(scenes.KINDS))
def test_lines_are_found_in_pictures_of_a_kind(kind: str) -> None:
    found, total = count_found(kind, 24)
    assert total >= 13
    assert found >= 0.88 * total


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(scenes.KINDS))
def test_lines_are_found_in_many_pictures_of_a_kind(kind: str) -> None:
    found, total = count_found(kind, 120, seed=1000)
    assert found >= 0.93 * total


@pytest.mark.parametrize("kind", scenes.EMPTY)
def test_nothing_is_found_on_empty_paper(kind: str) -> None:
    """Grains of a security pattern and the soft edge of a shadow look like ink now and then."""
    some = [seed for seed in range(30) if find_strips(scenes.empty_paper(kind, seed))]
    assert len(some) <= {"pattern": 6, "shadow": 4, "grid": 1}.get(kind, 0)


def page(
    *texts: str, height: int = 40, shadow: float = 0.0, ruling: str = "plain", seed: int = 3
) -> tuple[Picture, npt.NDArray[np.int64]]:
    number = draw_number("\n".join(texts), seed=seed, height=height, spacing=0.25)
    paper = draw_paper(*number.image.shape, ruling=ruling, rows=number.baselines, shadow=shadow, seed=seed)
    return number.on(paper), number.boxes


def test_strips_are_what_the_line_reader_takes() -> None:
    picture, _ = page("1947", "20")
    strips = find_strips(picture)
    assert [strip.line for strip in strips] == [0, 1]
    for strip in strips:
        assert strip.image.dtype == np.uint8
        assert strip.image.shape == strip.pieces.shape == (HEIGHT, strip.image.shape[1])
        assert np.median(strip.image) > 200
        assert strip.image[strip.pieces > 0].mean() < 120
        assert strip.shape == picture.shape[:2]
    assert max(strip.score for strip in strips) == 1
    assert strips[0].image.shape[1] > strips[1].image.shape[1]


@pytest.mark.parametrize("angle", [-10, -5, 0, 5, 10])
def test_slanted_lines_are_straightened(angle: int) -> None:
    from PIL import Image

    number = draw_number("5273084", seed=8, height=48, spacing=0.3)
    ink = Image.fromarray(np.pad(number.image, 120)).rotate(-angle, Image.Resampling.BICUBIC)
    picture = 255 - np.asarray(ink)
    (strip,) = find_strips(picture)
    assert np.degrees(np.arctan2(strip.matrix[1, 0], strip.matrix[0, 0])) == pytest.approx(angle, abs=1.5)
    rows = np.nonzero((strip.pieces > 0).any(axis=1))[0]
    assert 20 <= np.ptp(rows) <= 38


def test_boxes_lead_back_to_the_picture() -> None:
    """The box of the columns of a digit lies within 3 pixels of where it was drawn, at any size and place."""
    off = []
    for seed in range(12):
        height = (16, 24, 40, 70)[seed % 4]
        number = draw_number(f"{seed * 7919 + 1023}", seed=seed, height=height, spacing=0.3)
        picture = number.on(draw_paper(*number.image.shape, noise=3.0, seed=seed))
        picture = np.pad(picture, ((seed * 11, 40), (seed * 17, 60)), mode="edge")
        boxes = number.boxes + seed * np.array([17, 11, 17, 11])
        strips = find_strips(picture)
        assert len(strips) == 1
        for box in boxes:
            left, top, right, bottom = box
            columns = to_strip(strips[0], [left, right], [(top + bottom) / 2] * 2)[0]
            off.append(np.abs(np.subtract(strips[0].box(*columns), box)).max())
    assert np.mean(np.array(off) <= 3) >= 0.97
    assert max(off) <= 8


def test_boxes_stay_within_the_picture() -> None:
    picture, _ = page("7041")
    for part in (picture, picture[:, 20:], picture[12:-12]):
        for strip in find_strips(part):
            for left, right in ((-50, 5000), (0, 0), (3, 2), (strip.image.shape[1], strip.image.shape[1] + 9)):
                box = strip.box(left, right)
                assert 0 <= box[0] < box[2] <= part.shape[1]
                assert 0 <= box[1] < box[3] <= part.shape[0]


def test_light_on_dark_gives_the_same_strips() -> None:
    picture, _ = page("3186", "55")
    for strip, other in zip(find_strips(picture), find_strips(255 - picture), strict=True):
        np.testing.assert_allclose(strip.image, other.image.astype(int), atol=2)


def test_grey_and_coloured_pictures_of_grey_are_the_same() -> None:
    picture, _ = page("3186")
    coloured = np.repeat(picture[..., np.newaxis], 3, axis=2)
    for strip, other in zip(find_strips(picture), find_strips(coloured), strict=True):
        np.testing.assert_array_equal(strip.image, other.image)


def test_coloured_ink_is_found_by_its_colour() -> None:
    number = draw_number("60718", seed=5, height=40, spacing=0.2)
    picture = number.on(draw_paper(*number.image.shape, shade=(240, 235, 200), seed=2), ink=(120, 160, 230))
    (strip,) = find_strips(picture)
    assert holds(strip, number.boxes)
    assert strip.image[strip.pieces > 0].mean() < np.median(strip.image) - 60


def test_shaded_paper_is_even_on_the_strip() -> None:
    picture, boxes = page("40721936", shadow=0.6, seed=14)
    assert np.ptp(picture.max(axis=0)) > 40
    (strip,) = find_strips(picture)
    assert holds(strip, boxes)
    paper = strip.image.max(axis=0)
    assert np.ptp(np.convolve(paper, np.ones(9) / 9, "valid")) < 25


def test_columns_of_a_table_are_strips_of_one_line() -> None:
    picture = np.full((300, 900), 250, np.uint8)
    for index, text in enumerate(("71", "305", "4")):
        for at in (40, 600):
            number = draw_number(text, seed=index, height=36)
            rows, columns = number.image.shape
            picture[20 + 90 * index :, at:][:rows, :columns] -= np.minimum(number.image, 230)
    strips = find_strips(picture)
    assert [strip.line for strip in strips] == [0, 0, 1, 1, 2, 2]
    assert all(one.matrix[0, 2] < other.matrix[0, 2] for one, other in zip(strips[::2], strips[1::2], strict=True))


@pytest.mark.parametrize("kind", ["strip", "register", "form"])
def test_the_number_scores_highest(kind: str) -> None:
    """Beside print, bits of other writing and remains of rules."""
    best = total = 0
    for seed in range(20):
        scene = scenes.compose_scene(kind, seed)
        if strips := find_strips(scene.picture):
            total += 1
            best += holds(max(strips, key=lambda strip: strip.score), scene.lines[0][1])
    assert total >= 19
    assert best >= 0.9 * total


def test_neighbouring_lines_are_painted_over() -> None:
    """Feet of the line above do not reach into a strip."""
    picture, _ = page("77777", "88888", "00000", height=30)
    for strip in find_strips(picture):
        foreign = (strip.image < 120) & (strip.pieces == 0)
        assert foreign.mean() < 0.02


def test_a_large_page_is_cut_from_the_picture_itself() -> None:
    """Of twelve megapixels; its strips are as sharp as those of a small one."""
    picture = np.full((3000, 4000), 235, np.uint8)
    number = draw_number("5083", seed=4, height=110, spacing=0.2)
    rows, columns = number.image.shape
    picture[1400:, 2100:][:rows, :columns] -= np.minimum(number.image, 200)
    (strip,) = find_strips(picture)
    (small,) = find_strips(picture[1400 : 1400 + rows, 2100 : 2100 + columns])
    assert holds(strip, number.boxes + np.array([2100, 1400, 2100, 1400]))
    assert strip.image.std() > 0.8 * small.image.std()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1), (2, 2), (3, 700), (7, 7), (20, 5000), (5000, 20), (5, 5, 3), (1, 300, 3)]
)
@pytest.mark.parametrize("level", [0, 255, "noise", "stripes"])
def test_odd_sizes(shape: tuple[int, ...], level: Any) -> None:
    if level == "noise":
        picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    elif level == "stripes":
        picture = np.broadcast_to(
            (np.indices(shape[:2]).sum(axis=0) // 9 % 2 * 200)[(...,) + (None,) * (len(shape) - 2)], shape
        )
        picture = np.ascontiguousarray(picture, np.uint8)
    else:
        picture = np.full(shape, level, np.uint8)
    strips = find_strips(picture)
    assert all(strip.image.shape[0] == HEIGHT for strip in [*strips, whole_strip(picture)])
    if not isinstance(level, str):
        assert strips == []


@pytest.mark.parametrize("height", [12, 30, 120, 300, 700])
def test_digits_of_any_size(height: int) -> None:
    """Lowest of all 12 pixels high, on paper as large as they need."""
    number = draw_number("36", seed=9, height=height, pen_width=(0.1, 0.1))
    picture = number.on(draw_paper(*number.image.shape, noise=3.0, seed=9))
    (strip,) = find_strips(picture)
    assert holds(strip, number.boxes)


@pytest.mark.parametrize("shape", [(60, 3000), (1500, 90)])
def test_a_number_in_a_long_strip(shape: tuple[int, int]) -> None:
    number = draw_number("52", seed=6, height=30)
    rows, columns = number.image.shape
    picture = np.full(shape, 240, np.uint8)
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    picture[top : top + rows, left : left + columns] -= number.image - number.image // 8
    (strip,) = find_strips(picture)
    assert holds(strip, number.boxes + np.array([left, top, left, top]))


def test_a_whole_picture_is_a_second_view() -> None:
    number = draw_number("8213", seed=2, height=60)
    picture = number.on(draw_paper(*number.image.shape, shade=(230, 225, 210), seed=2))
    for view in (whole_strip(picture), whole_strip(255 - picture)):
        assert view.image.shape == (HEIGHT, round(picture.shape[1] * HEIGHT / picture.shape[0]))
        assert np.median(view.image) > 200
        left, top, right, bottom = number.boxes.T
        columns = to_strip(view, [left[1], right[1]], [top[1], bottom[1]])[0]
        box = view.box(*columns)
        assert abs(box[0] - left[1]) <= 4
        assert abs(box[2] - right[1]) <= 4


def test_the_picture_is_left_as_it_is() -> None:
    picture, _ = page("123")
    before = picture.copy()
    picture.setflags(write=False)
    assert find_strips(picture)
    np.testing.assert_array_equal(picture, before)


def test_finding_lines_needs_no_tensorflow() -> None:
    code = "import sys, lenetkit.reading._strips; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def numbers(*boxes: tuple[int, int, int, int]) -> Picture:
    """Return a number on white paper, with black boxes (left, top, right, bottom) beside it."""
    written = 255 - draw_number("4938", seed=3).image
    picture = np.full((140, 400), 255, np.uint8)
    picture[40 : 40 + written.shape[0], 60 : 60 + written.shape[1]] = written
    for left, top, right, bottom in boxes:
        picture[top:bottom, left:right] = 20
    return picture


def test_strips_know_whether_they_hold_all_ink_that_may_be_digits() -> None:
    """Neither does loose ink lie beside them, nor do boxes part them: then nothing else needs to be looked for."""
    alone = find_strips(numbers())
    assert [strip.is_all for strip in alone] == [True] * len(alone)
    assert len(alone) > 0
    assert all(strip.is_all for strip in find_strips(numbers((300, 20, 302, 22))))  # a speck
    lines = [(55 + 40 * column, 20, 57 + 40 * column, 110) for column in range(5)]
    frame = [(55, 20, 217, 22), (55, 108, 217, 110)]
    boxed = find_strips(numbers(*lines, *frame))
    assert len(boxed) > 0
    assert not any(strip.is_all for strip in boxed)


def test_pieces_of_a_strip_that_may_be_digits_are_known() -> None:
    """By the columns of each, without specks."""
    found = [place for strip in find_strips(numbers((210, 90, 212, 92))) for place in strip.places]
    assert 3 <= len(found) <= 4
    assert all(0 <= left < right for left, right in found)
