"""The saved pipeline: one file that holds everything that prediction needs, no code, and is checked before it is used.

In: a :class:`Bundle` of plain values, arrays and a LiteRT model. Out: the bytes of a ``.lenet`` file, and back.
Next: :mod:`lenetkit.runtime` predicts with the LiteRT model in it; :mod:`lenetkit.pipeline` makes and uses bundles.

Reading imports nothing that a file names: names stay names until somebody looks them up in a registry.
"""

from lenetkit.bundle._bundle import Bundle, Rejection, SavedLineReader
from lenetkit.bundle._file import (
    FORMAT,
    SUFFIX,
    decode_bundle,
    encode_bundle,
    read_bundle,
    write_bundle,
)
from lenetkit.bundle._file import BundleFile as BundleFile
from lenetkit.bundle._file import read_file as read_file
from lenetkit.bundle._history import History
from lenetkit.bundle._history import clean_provenance as clean_provenance
from lenetkit.bundle._verification import verify_bundle

__all__ = [
    "FORMAT",
    "SUFFIX",
    "Bundle",
    "History",
    "Rejection",
    "SavedLineReader",
    "decode_bundle",
    "encode_bundle",
    "read_bundle",
    "verify_bundle",
    "write_bundle",
]
