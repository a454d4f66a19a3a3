"""The price of a picture: what takes too much work is refused in words, and ordinary pages are not."""

import numpy as np
import pytest
from PIL import Image

from lenetkit import Pipeline
from lenetkit._utils.budget import BudgetError, WorkCancelledError, checkpoint, constrained, open_budget, spend
from lenetkit.exceptions import DataError
from lenetkit.reading._price import PIECES
from lenetkit.reading._segmentation import find_pieces
from lenetkit.synthesis import draw_digits, draw_number

PRETRAINED = Pipeline.pretrained()


def bars(side: int) -> np.ndarray:
    """Return lines of upright bars, so close that many of them together may be one digit."""
    page = np.full((side, side), 255, np.uint8)
    for top in range(4, side - 24, 30):
        page[top : top + 20, 4:-4:4] = 0
        page[top : top + 20, 5:-4:4] = 0
    return page


def small_digits(side: int, height: int) -> np.ndarray:
    """Return a page full of digits."""
    images = draw_digits(50, seed=1).images
    across = side // height
    digits = [255 - np.asarray(Image.fromarray(image).resize((height, height))) for image in images]
    rows = [np.hstack([digits[(row * 7 + column) % 50] for column in range(across)]) for row in range(across)]
    page = np.full((side, side), 255, np.uint8)
    page[: across * height, : across * height] = np.vstack(rows)
    return page


@pytest.mark.slow
def test_a_picture_of_too_much_work_is_refused_in_words() -> None:
    """The error names the picture, what was counted, the limit and the way out."""
    words = (
        r"^the picture takes too much work to read: it has more than [\d,]+ candidates for digits, the most for a page "
        r"of [\d.]+ megapixels\. Cut it into parts"
    )
    with pytest.raises(DataError, match=words):
        PRETRAINED.read_number(bars(400))


@pytest.mark.slow
def test_pieces_are_counted_on_each_page() -> None:
    """A page is looked at several times, and each time as a whole."""
    mask = np.zeros((1000, 1000), bool)
    mask[::5, ::5] = mask[1::5, ::5] = mask[2::5, ::5] = True
    with open_budget("a.png", {PIECES: 40_000}):
        for _ in range(2):
            assert len(find_pieces(mask, smallest=3)) == 40_000
    with open_budget("a.png", {PIECES: 39_999}), pytest.raises(BudgetError, match="more than 39,999 pieces of ink"):
        find_pieces(mask, smallest=3)


@pytest.mark.slow
def test_the_error_names_the_file(tmp_path) -> None:
    """However it is given; and the next picture has a budget of its own."""
    path = tmp_path / "wall.png"
    Image.fromarray(small_digits(300, 30)).save(path)
    with constrained(fraction=0.05, look=lambda: None):
        for given in (path, str(path), [path]):
            with pytest.raises(DataError, match=r"wall\.png takes too much work to read: it has more than"):
                PRETRAINED.read_number(given)
        with path.open("rb") as file, pytest.raises(DataError, match=r"wall\.png takes too much work"):
            PRETRAINED.read_number(file)
        with pytest.raises(DataError, match=r"^the picture takes too much work"):
            PRETRAINED.read_number(image=path.read_bytes())
        assert PRETRAINED.read_number(255 - draw_number("407", seed=3).image).text == "407"


def page(side: int, n_digits: int) -> np.ndarray:
    """Return an ordinary page of so many digits, in lines."""
    across = int(np.ceil(np.sqrt(n_digits)))
    pitch = side // (across + 1)
    height = int(pitch * 0.7)
    out = np.full((side, side), 255, np.uint8)
    for index, image in enumerate(draw_digits(n_digits, seed=2).images):
        top, left = (pitch // 2 + pitch * part for part in divmod(index, across))
        out[top : top + height, left : left + height] = 255 - np.asarray(
            Image.fromarray(image).resize((height, height))
        )
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("side", "n_digits"), [(700, 100), (1000, 1000)])
def test_ordinary_pages_are_far_from_the_limits(side: int, n_digits: int) -> None:
    """A thousand digits on one page are read with half of the budget."""
    with constrained(fraction=0.6, look=lambda: None):
        reading = PRETRAINED.read_number(page(side, n_digits))
    assert len(reading.digits) >= 0.97 * n_digits


def test_budgets_grow_with_the_page_and_are_each_pictures_own() -> None:
    """Per megapixel, at least one; a fraction of it for what shall be quick."""
    with open_budget("a.png", {"specks": 100}):
        spend("specks", 100, pixels=500_000)
        with open_budget("b.png", {"specks": 100}):
            spend("specks", 250, pixels=2_500_000)
            with pytest.raises(BudgetError, match=r"^b\.png takes .* more than 250 specks, .* of 2\.5 megapixels"):
                spend("specks", 1)
        with pytest.raises(BudgetError, match=r"^a\.png takes .* more than 100 specks"):
            spend("specks", 1)
    with (
        constrained(fraction=0.1, look=lambda: None),
        open_budget("c.png", {"specks": 100}),
        pytest.raises(BudgetError, match="more than 10 specks"),
    ):
        spend("specks", 11)
    spend("specks", 10**9)  # nobody has opened a budget


def test_work_ends_when_nobody_waits_for_it() -> None:
    """Between two steps of the reading."""
    looks = iter(range(40))

    def look() -> None:
        if next(looks, None) is None:
            raise WorkCancelledError

    with constrained(fraction=1, look=look), pytest.raises(WorkCancelledError):
        PRETRAINED.read_number(small_digits(300, 30))
    checkpoint()
