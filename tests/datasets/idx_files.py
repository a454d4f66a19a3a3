"""IDX files for tests, written independently of the code under test."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["as_idx", "write_idx"]


def as_idx(array: np.ndarray) -> bytes:
    """Return the bytes of an IDX file of uint8."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(path: Path, array: Any) -> None:
    """Write an IDX file, gzipped where its name ends in ``.gz``."""
    content = as_idx(np.asarray(array))
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
