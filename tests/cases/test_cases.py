"""Situations that people meet, from end to end, where no other test holds them."""

import numpy as np
import pytest

from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits

PRETRAINED = Pipeline.pretrained()


@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("side", [40, 50])
def test_the_cells_of_a_sudoku_are_read_one_by_one(side: int, line: int) -> None:
    """A grid cut into 81 equal cells, each with pieces of line at two to four edges, of either polarity."""
    digits = draw_digits(81, styles="american", seed=21)
    grid = np.full((9 * side, 9 * side), 255, np.uint8)
    for place in range(0, 9 * side + 1, side):
        grid[max(place - line, 0) : place + line] = grid[:, max(place - line, 0) : place + line] = 0
    start = (side - 28) // 2
    for index, image in enumerate(np.asarray(digits.images)):
        row, column = (side * place + start for place in divmod(index, 9))
        grid[row : row + 28, column : column + 28] = 255 - image
    cells = grid.reshape(9, side, 9, side).transpose(0, 2, 1, 3).reshape(81, side, side)
    plain = PRETRAINED.predict(digits.images)
    for pictures in (cells, 255 - cells):
        assert (PRETRAINED.predict(pictures) != plain).sum() <= 1
    assert PRETRAINED.diagnose(cells).problems["line"] == 81
