"""The bytes of a saved pipeline's file: written from a bundle, and read back into one after every check.

In: a :class:`~lenetkit.bundle.Bundle`, or a file that may be hostile. Out: the file, or the bundle.
Next: :mod:`lenetkit.pipeline` saves and loads through it.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

from lenetkit._utils.files import write_atomically
from lenetkit.bundle._bundle import Array, Bundle, Rejection, SavedLineReader
from lenetkit.bundle._container import damaged, member_at, pack, packed_size, unpack
from lenetkit.bundle._history import History
from lenetkit.bundle._values import dump_values, load_values, show
from lenetkit.exceptions import BundleError

__all__ = [
    "FORMAT",
    "SUFFIX",
    "BundleFile",
    "decode_bundle",
    "encode_bundle",
    "read_bundle",
    "read_file",
    "write_bundle",
]

FORMAT = 1
"""The format that this version writes; it reads this one and every older one."""

SUFFIX = ".lenet"
"""The suffix of saved pipelines."""

_FIRST_VERSION = "0.1.0"  # of lenetkit that reads FORMAT

MIGRATIONS: dict[int, Callable[[dict[str, Any], dict[str, bytes]], None]] = {}
"""For every older format, the function that changes its manifest and members, in place, into the next format's."""

_MANIFEST, _CHECKSUM = "manifest.json", "manifest.sha256"
_WEIGHTS, _MODEL, _GOLDEN, _EXTRAS = "weights.safetensors", "model.tflite", "golden.safetensors", "extras.safetensors"

_LARGEST_FILE = 512 << 20
_LARGEST_MANIFEST = 1 << 20
_LARGEST_TENSOR_HEADER = 4 << 20
_CHECKSUM_SIZE = 64 + len(f"  {_MANIFEST}\n")  # as sha256sum writes it

_AS_THEY_ARE = ("transforms", "encoder", "metrics", "data", "versions")  # the same in a bundle and in its manifest
_KEYS = frozenset(["format", "needs_lenetkit", "members", "model", "weights", "extras", *_AS_THEY_ARE])
_MODEL_KEYS = frozenset(["distribution", "input_shape", "n_classes", "name", "options"])


class BundleFile(NamedTuple):
    """A saved pipeline's file as it was read: the bundle, all bytes, the manifest's values, the members' bytes."""

    bundle: Bundle
    content: bytes
    manifest: dict[str, Any]
    members: dict[str, bytes]


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the content of a ``.lenet`` file: the same bytes for the same bundle, whenever and wherever.

    Raises
    ------
    BundleError
        If the file would be larger than 512 MiB, or its plain values larger than 1 MiB.

    Examples
    --------
    >>> from lenetkit.bundle import decode_bundle, encode_bundle
    >>> from lenetkit.pretrained import get_path
    >>> content = get_path("digits").read_bytes()
    >>> encode_bundle(decode_bundle(content)) == content
    True
    """
    members = {
        _WEIGHTS: _dump_tensors(bundle.weights),
        _MODEL: bundle.tflite,
        _GOLDEN: _dump_tensors({"images": bundle.golden_images, "probabilities": bundle.golden_probabilities}),
    }
    extras, tensors = _join_extras(bundle)
    if tensors:
        members[_EXTRAS] = _dump_tensors(tensors)
    manifest = dump_values(_manifest(bundle, members, extras))
    if len(manifest) > _LARGEST_MANIFEST:
        raise BundleError(
            f"the plain values take {len(manifest):,} bytes as JSON; at most {_LARGEST_MANIFEST:,} are accepted. "
            "Put arrays into extra_tensors and leave out what is not needed."
        )
    content = pack({_MANIFEST: manifest, _CHECKSUM: _checksum(manifest), **members})
    if len(content) > _LARGEST_FILE:
        raise BundleError(f"the file would have {len(content):,} bytes; at most {_LARGEST_FILE:,} are accepted.")
    return content


def decode_bundle(content: bytes) -> Bundle:
    """Return the bundle in the content of a ``.lenet`` file, after every check there is.

    Raises
    ------
    BundleError
        If a single bit is not as it was written, something is missing, too much, too large or not what a bundle
        holds, or the file is of a newer format: the message then names the version that reads it.

    Examples
    --------
    >>> from lenetkit.bundle import decode_bundle
    >>> from lenetkit.pretrained import get_path
    >>> content = get_path("digits").read_bytes()
    >>> decode_bundle(content).n_classes
    10
    >>> decode_bundle(content[:-1])
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.BundleError: ...
    """
    content = bytes(content)
    return _decode(content, *_read_head(content, len(content))).bundle


def write_bundle(path: str | os.PathLike[str], bundle: Bundle) -> Path:
    """Write :func:`encode_bundle`'s bytes to a file, usually ``*.lenet``, and return its path, links resolved.

    Afterwards there is the new file, or after any accident the old one, and nothing between.

    Raises
    ------
    BundleError
        If the bundle is too large.
    SettingError, OSError
        If the file cannot be written; an older file of that name is untouched then.

    Examples
    --------
    >>> import tempfile
    >>> from lenetkit.bundle import read_bundle, write_bundle
    >>> from lenetkit.pretrained import get_path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bundle(f"{folder}/copy.lenet", read_bundle(get_path("digits"))).name
    'copy.lenet'
    """
    return write_atomically(path, encode_bundle(bundle))


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Return the bundle in a file, after every check there is; no more is read than a sound file has.

    Raises
    ------
    BundleError
        If the file is not there, not a regular file, or its content is refused by :func:`decode_bundle`.
    OSError
        If the system refuses to read it.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.pretrained import get_path
    >>> [transform["name"] for transform in read_bundle(get_path("digits")).transforms]
    ['mnist_normalize', 'rescale']
    """
    return read_file(path).bundle


def read_file(path: str | os.PathLike[str]) -> BundleFile:
    """Return a file together with the bundle in it, read and checked once as :func:`read_bundle` does."""
    try:
        return _decode(*_read(path))
    except BundleError as error:
        raise BundleError(f"cannot load {os.fspath(path)}: {error}") from error


def _decode(content: bytes, manifest: dict[str, Any], sizes: Mapping[str, int]) -> BundleFile:
    members = unpack(content, sizes)
    for name, expected in manifest["members"].items():
        if hashlib.sha256(members[name]).hexdigest() != expected["sha256"]:
            raise damaged(f"{name} does not have the SHA-256 that the manifest names")
    for number in range(manifest["format"], FORMAT):
        MIGRATIONS[number](manifest, members)
    return BundleFile(_bundle(manifest, members), content, manifest, members)


def _manifest(bundle: Bundle, members: Mapping[str, bytes], extras: dict[str, Any]) -> dict[str, Any]:
    described = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} for name, content in members.items()
    }
    return {
        "format": FORMAT,
        "needs_lenetkit": _FIRST_VERSION,
        "members": described,
        "model": {
            "name": bundle.model,
            "distribution": bundle.model_distribution,
            "options": bundle.model_options,
            "input_shape": bundle.input_shape,
            "n_classes": bundle.n_classes,
        },
        **{name: getattr(bundle, name) for name in _AS_THEY_ARE},
        "weights": list(bundle.weights),
        "extras": extras,
    }


def _join_extras(bundle: Bundle) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the plain values and arrays in which a file keeps the optional fields, beside what else is there."""
    extras, tensors = dict(bundle.extras), dict(bundle.extra_tensors)
    if bundle.history is not None and bundle.provenance is not None:
        extras["training"], arrays = bundle.history.to_extras(bundle.provenance)
        tensors |= arrays
    if bundle.rejection is not None:
        extras["rejection"], arrays = bundle.rejection.to_extras()
        tensors |= arrays
    if bundle.line_reader is not None:
        extras["line_reader"], arrays = bundle.line_reader.to_extras()
        tensors |= arrays
    return extras if bundle.reference is None else {**extras, "reference": bundle.reference}, tensors


def _split_extras(extras: Any, tensors: dict[str, Array]) -> dict[str, Any]:
    """Return the fields of a bundle that :func:`_join_extras` put together."""
    if not isinstance(extras, dict):
        raise BundleError(f"extras must be a dict; got {show(extras)}.")
    rest = dict(extras)
    fields: dict[str, Any] = {}
    if "training" in rest:
        fields["history"], fields["provenance"] = History.from_extras(rest.pop("training"), tensors)
    if "rejection" in rest:
        fields["rejection"] = Rejection.from_extras(rest.pop("rejection"), tensors)
    if "line_reader" in rest:
        fields["line_reader"] = SavedLineReader.from_extras(rest.pop("line_reader"), tensors)
    if "reference" in rest:
        fields["reference"] = rest.pop("reference")
    return {**fields, "extras": rest, "extra_tensors": tensors}


def _bundle(manifest: dict[str, Any], members: Mapping[str, bytes]) -> Bundle:
    _check_keys("manifest.json", manifest, _KEYS)
    _check_keys("model", manifest["model"], _MODEL_KEYS)
    model, order = manifest["model"], manifest["weights"]
    weights = _load_tensors(members, _WEIGHTS)
    golden = _load_tensors(members, _GOLDEN)
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order) or len(set(order)) != len(order):
        raise BundleError(f"the manifest's weights must be a list of different names; got {show(order)}.")
    if set(order) != set(weights):
        raise BundleError(f"{_WEIGHTS} does not hold the arrays that the manifest names.")
    _check_keys(_GOLDEN, golden, frozenset({"images", "probabilities"}))
    for name in ("transforms", "input_shape"):
        value = {**manifest, **model}[name]
        if not isinstance(value, list):
            raise BundleError(f"the manifest's {name} must be a list; got {show(value)}.")
    return Bundle(
        model=model["name"],
        model_distribution=model["distribution"],
        model_options=model["options"],
        input_shape=model["input_shape"],
        n_classes=model["n_classes"],
        **{name: manifest[name] for name in _AS_THEY_ARE},
        weights={name: weights[name] for name in order},
        tflite=members[_MODEL],
        golden_images=golden["images"],
        golden_probabilities=golden["probabilities"],
        **_split_extras(manifest["extras"], _load_tensors(members, _EXTRAS) if _EXTRAS in members else {}),
    )


def _read(path: str | os.PathLike[str]) -> tuple[bytes, dict[str, Any], dict[str, int]]:
    """Return content, manifest and the members' sizes; no more is read than a sound file has."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise BundleError("there is no such file.") from None
    if not stat.S_ISREG(mode):  # a pipe or device could be read without end
        raise BundleError("it is not a file." if not stat.S_ISDIR(mode) else "it is a folder.")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(min(size, packed_size({_MANIFEST: _LARGEST_MANIFEST, _CHECKSUM: _CHECKSUM_SIZE})))
        manifest, sizes = _read_head(head, size)
        return head + file.read(size - len(head)), manifest, sizes


def _read_head(head: bytes, file_size: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the manifest, and name and size of every member: what must be known before the rest is read."""
    if file_size > _LARGEST_FILE:
        raise BundleError(f"it has {file_size:,} bytes; at most {_LARGEST_FILE:,} are accepted.")
    if head[:4] != b"PK\3\4"[: len(head)]:
        raise BundleError("it is not a saved pipeline.")
    content, position = member_at(head, 0, _MANIFEST, _LARGEST_MANIFEST)
    checksum, _ = member_at(head, position, _CHECKSUM, _CHECKSUM_SIZE)
    if checksum != _checksum(content):
        raise damaged(f"{_MANIFEST} does not have the SHA-256 that {_CHECKSUM} names")
    manifest = load_values(content, _MANIFEST)
    _check_format(manifest)
    sizes = {_MANIFEST: len(content), _CHECKSUM: _CHECKSUM_SIZE, **_member_sizes(manifest)}
    expected = packed_size(sizes)
    if file_size != expected:
        raise damaged(f"it has {file_size:,} bytes, it must have {expected:,}")
    return manifest, sizes


def _check_format(manifest: dict[str, Any]) -> None:
    number, needed = manifest.get("format"), manifest.get("needs_lenetkit")
    if type(number) is not int or number < 1:
        raise BundleError(f"{_MANIFEST} must name the format as an integer from 1; got {show(number)}.")
    if not isinstance(needed, str) or not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}", needed):
        raise BundleError(f"{_MANIFEST} must name the version of lenetkit that it needs; got {show(needed)}.")
    if number > FORMAT:
        raise BundleError(
            f"it has the format {number}; this version of lenetkit reads formats up to {FORMAT}. "
            f'Update it: pip install --upgrade "lenetkit>={needed}"'
        )


def _member_sizes(manifest: dict[str, Any]) -> dict[str, int]:
    members, required = manifest.get("members"), {_WEIGHTS, _MODEL, _GOLDEN}
    if not isinstance(members, dict) or not required <= set(members) <= {*required, _EXTRAS}:
        raise BundleError(f"{_MANIFEST} must describe the members of a saved pipeline; got {show(members)}.")
    for name, described in members.items():
        _check_keys(name, described, frozenset({"sha256", "size"}))
        size, digest = described["size"], described["sha256"]
        if type(size) is not int or not 0 <= size <= _LARGEST_FILE:
            raise BundleError(f"{name} must have from 0 to {_LARGEST_FILE:,} bytes; the manifest says {show(size)}.")
        if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
            raise BundleError(f"{name} must have a SHA-256; the manifest says {show(digest)}.")
    order = [name for name in (_WEIGHTS, _MODEL, _GOLDEN, _EXTRAS) if name in members]
    return {name: members[name]["size"] for name in order}


def _check_keys(name: str, values: Any, keys: frozenset[str]) -> None:
    if not isinstance(values, dict) or set(values) != keys:
        found = sorted(values) if isinstance(values, dict) else values
        raise BundleError(f"{name} must hold {', '.join(sorted(keys))}; got {show(found)}.")


def _checksum(manifest: bytes) -> bytes:
    return f"{hashlib.sha256(manifest).hexdigest()}  {_MANIFEST}\n".encode()


def _dump_tensors(tensors: Mapping[str, Array]) -> bytes:
    content: bytes = safetensors.numpy.save({name: np.asarray(array, order="C") for name, array in tensors.items()})
    return content


def _load_tensors(members: Mapping[str, bytes], name: str) -> dict[str, Array]:
    content = members[name]
    if int.from_bytes(content[:8], "little") > _LARGEST_TENSOR_HEADER:
        raise BundleError(f"{name} claims a header of more than {_LARGEST_TENSOR_HEADER:,} bytes.")
    try:
        tensors: dict[str, Array] = safetensors.numpy.load(content)
    except Exception as error:  # its own kinds, and KeyError for types that NumPy lacks
        raise BundleError(f"{name} is not a file of arrays: {show(str(error))}.") from error
    return tensors
