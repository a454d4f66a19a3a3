"""Tables of a flatbuffer that may be hostile, such as a LiteRT model.

In: bytes. Out: numbers, vectors and further tables, each read checked against the length of the bytes.
Next: :mod:`lenetkit.runtime` reads models with it, :mod:`lenetkit.pipeline` changes the weights of some.
"""

import struct
from typing import Any

from lenetkit.exceptions import DataError

__all__ = ["FlatTable", "unusable"]

_MOST_TABLES = 10_000
_MOST_ENTRIES = 1_000


def unusable(reason: str) -> DataError:
    """Return the error for a model that cannot be run."""
    return DataError(f"the LiteRT model cannot be used: {reason}")


class FlatTable:
    """A table of the flatbuffer; reading outside the bytes is a DataError."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    @classmethod
    def root(cls, data: bytes) -> "FlatTable":
        """Return the table that the bytes begin with."""
        return cls(data, cls(data, 0).reference(0))

    def has(self, field: int) -> bool:
        """Return True if the table has this field."""
        return self.find(field) is not None

    def number(self, field: int, form: str, default: Any = 0) -> Any:
        """Return a number in a format of :mod:`struct`, or the default where the table does not say."""
        position = self.find(field)
        return default if position is None else self._read(form, position)

    def reference(self, offset: int) -> int:
        """Return the position that is referred to at an offset from the table's own."""
        position = self._position + offset
        return position + int(self._read("I", position))

    def table(self, field: int) -> "FlatTable":
        """Return the table that a field refers to."""
        return FlatTable(self._data, self.reference(self._offset(field)))

    def tables(self, field: int) -> list["FlatTable"]:
        """Return the tables in a vector; none if the field is missing."""
        if not self.has(field):
            return []
        start, length = self.vector(field, 4, _MOST_TABLES)
        return [FlatTable(self._data, FlatTable(self._data, start + 4 * index).reference(0)) for index in range(length)]

    def integers(self, field: int, most: int = _MOST_ENTRIES) -> tuple[int, ...]:
        """Return the 32-bit integers in a vector; none if the field is missing."""
        if not self.has(field):
            return ()
        start, length = self.vector(field, 4, most)
        return struct.unpack_from(f"<{length}i", self._data, start)

    def content(self, field: int) -> memoryview:
        """Return the bytes in a vector, not copied; none if the field is missing."""
        if not self.has(field):
            return memoryview(b"")
        start, length = self.vector(field, 1, len(self._data))
        return memoryview(self._data)[start : start + length]

    def vector(self, field: int, size: int, most: int = _MOST_ENTRIES) -> tuple[int, int]:
        """Return the position of the first entry of a vector, and how many there are."""
        position = self.reference(self._offset(field))
        length = int(self._read("I", position))
        if length > most or position + 4 + length * size > len(self._data):
            raise unusable(f"it claims a list of {length:,} entries where there can be no more than {most:,}.")
        return position + 4, length

    def _offset(self, field: int) -> int:
        position = self.find(field)
        if position is None:
            raise unusable("a part of it is missing.")
        return position - self._position

    def find(self, field: int) -> int | None:
        """Return the position of a field; the table refers backwards to the list of its fields."""
        known = self._position - int(self._read("i", self._position))
        entry = 4 + 2 * field
        offset = int(self._read("H", known + entry)) if entry < self._read("H", known) else 0
        return self._position + offset if offset else None

    def _read(self, form: str, position: int) -> Any:
        if not 0 <= position <= len(self._data) - struct.calcsize(form):
            raise unusable(f"it ends before position {position:,}, to which it refers.")
        return struct.unpack_from(f"<{form}", self._data, position)[0]
