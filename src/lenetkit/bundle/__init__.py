"""The saved pipeline: one file that carries everything, cannot run anything and is checked before it is believed.

In: a :class:`Bundle` of plain values, arrays and a LiteRT model. Out: the bytes of a ``.lenet`` file, and back.
Next: :mod:`lenetkit.runtime` predicts with the LiteRT model in it; :mod:`lenetkit.pipeline` makes and uses bundles.

Reading imports nothing that a file names: names stay names until somebody looks them up in a registry.
"""

from lenetkit.bundle._bundle import Bundle
from lenetkit.bundle._file import (
    FORMAT,
    SUFFIX,
    decode_bundle,
    encode_bundle,
    read_bundle,
    verify_bundle,
    write_bundle,
)

__all__ = [
    "FORMAT",
    "SUFFIX",
    "Bundle",
    "decode_bundle",
    "encode_bundle",
    "read_bundle",
    "verify_bundle",
    "write_bundle",
]
