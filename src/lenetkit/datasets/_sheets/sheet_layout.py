"""The layout of a sheet: shared by those that print it and those that read it. All lengths in millimetres.

Points (x, y) are counted from the middle of the upper left mark, to the right and downwards.
"""

import numpy as np
import numpy.typing as npt

__all__ = [
    "BOX",
    "CELL",
    "CORNERS",
    "DIGITS",
    "HEIGHT",
    "MARK",
    "MOST_SHEETS",
    "VERSION",
    "WIDTH",
    "WRITTEN",
    "box_places",
    "cell_places",
    "decode",
    "encode",
]

# Between the middles of the corner marks, which are squares of the next length.
WIDTH, HEIGHT, MARK = 172.0, 246.0, 8.0
CORNERS = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)])
# A row of boxes for each digit; the side of a box, and of what is read of it, without its lines.
DIGITS, BOX, WRITTEN = 10, 14.4, 12.8
_LEFT, _TOP, _PITCH_X, _PITCH_Y = 19.0, 24.0, 16.3, 22.0
# The cells between the upper marks, black for 1; those between the lower marks are their opposites.
_CELLS, CELL, _FIRST = 21, 5.0, 20.0
# What they say: a start, the layout's version, the sheet's number and a checksum, so many bits each, and an end: turned
# by half, the opposite of the end is no start.
VERSION, MOST_SHEETS = 1, 511
_START, _VERSION_BITS, _NUMBER_BITS, _CHECK_BITS, _END = (1, 0), 3, 9, 6, 1

Points = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]


def box_places() -> Points:
    """Return the middle of each box, float64 (10, 10, 2), by digit and column."""
    columns = _LEFT + _PITCH_X * np.arange(DIGITS)
    rows = _TOP + _PITCH_Y * np.arange(DIGITS)
    return np.stack(np.meshgrid(columns, rows), axis=-1)


def cell_places() -> Points:
    """Return the middle of each cell, float64 (2, 21, 2): the upper ones, and the lower ones."""
    columns = np.linspace(_FIRST, WIDTH - _FIRST, _CELLS)
    return np.stack([np.stack([columns, np.full(_CELLS, row)], axis=-1) for row in (0.0, HEIGHT)])


def encode(number: int, version: int = VERSION) -> Bits:
    """Return the upper cells of a sheet, bool (21,)."""
    payload = [version >> bit & 1 for bit in reversed(range(_VERSION_BITS))]
    payload += [number >> bit & 1 for bit in reversed(range(_NUMBER_BITS))]
    check = _checksum(payload)
    return np.array([*_START, *payload, *(check >> bit & 1 for bit in reversed(range(_CHECK_BITS))), _END], bool)


def decode(cells: Bits) -> tuple[int, int] | None:
    """Return the number and the version that the upper and lower cells, bool (2, 21), say; None if they say nothing."""
    upper = cells[0].astype(int).tolist()
    if (cells[0] == cells[1]).any() or tuple(upper[:2]) != _START or upper[-1] != _END:
        return None
    payload, check = upper[2 : -_CHECK_BITS - 1], upper[-_CHECK_BITS - 1 : -1]
    if _to_number(check) != _checksum(payload):
        return None
    return _to_number(payload[_VERSION_BITS:]), _to_number(payload[:_VERSION_BITS])


def _to_number(bits: list[int]) -> int:
    return int("".join(map(str, bits)), 2)


def _checksum(bits: list[int]) -> int:
    """Return the remainder of a division by x^6 + x + 1, begun with ones."""
    value = 0b111111
    for bit in bits:
        value = (value << 1) ^ (0b1000011 if (value >> 5 & 1) ^ bit else 0)
    return value & 0b111111
