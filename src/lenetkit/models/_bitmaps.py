"""Bitmaps of the output units of the paper's LeNet-5: one fixed image of 7 x 12 pixels per class.

The digits are drawn for lenetkit, in the style of the paper's figure 3: a printed character that leaves the first and
the last row empty.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["HEIGHT", "WIDTH", "class_bitmaps"]

HEIGHT, WIDTH = 12, 7

_DIGITS = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...##..  .#####.  #######  ....##.  #######  ..####.  #######  .#####.  .#####.
.##.##.  ..###..  ##...##  .....##  ...###.  ##.....  .##....  ##...##  ##...##  ##...##
##...##  .####..  ##...##  ....##.  ..####.  ##.....  ##.....  .....##  ##...##  ##...##
##...##  ...##..  .....##  ...##..  .##.##.  ######.  ##.....  ....##.  ##...##  ##...##
##...##  ...##..  ....##.  ..####.  ##..##.  ##...##  ######.  ....##.  .#####.  .######
##...##  ...##..  ...##..  .....##  ##..##.  .....##  ##...##  ...##..  ##...##  .....##
##...##  ...##..  ..##...  .....##  #######  .....##  ##...##  ...##..  ##...##  .....##
##...##  ...##..  .##....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##
.##.##.  ...##..  ##.....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
..###..  .######  #######  .#####.  ....##.  .#####.  .#####.  ..##...  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""

# Of the random bitmaps for classes beyond the ten digits: with another seed saved models would change their answers.
_SEED = 1998


def class_bitmaps(n_classes: int) -> npt.NDArray[np.float32]:
    """Return the bitmap of each class, of shape (n_classes, 84): float32, -1 for paper and 1 for ink, row by row.

    The first ten are the digits; any further ones are fixed random bitmaps, which are as far apart.
    """
    rows = [line.split() for line in _DIGITS.split("\n") if line]
    ink = np.array([[[pixel == "#" for pixel in cell] for cell in line] for line in rows])  # row, digit, column
    digits = np.where(ink.transpose(1, 0, 2), 1, -1).reshape(len(rows[0]), HEIGHT * WIDTH)
    further = np.random.default_rng(_SEED).choice((-1, 1), (max(0, n_classes - len(digits)), HEIGHT * WIDTH))
    return np.concatenate([digits, further])[:n_classes].astype(np.float32)
