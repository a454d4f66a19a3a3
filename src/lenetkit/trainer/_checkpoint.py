"""Checkpoint of a run: one file with weights, optimizer, metrics, callbacks, history and the position in the run.

The file is in the safetensors format, tensors plus JSON: reading it runs no code. It carries a hash of its content, and
it replaces its predecessor atomically, so that there is a good one at every moment.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.files import write_atomically
from lenetkit.exceptions import CheckpointError, SettingError

__all__ = ["FILE_NAME", "Checkpoint", "read_checkpoint", "write_checkpoint"]

FILE_NAME = "checkpoint.safetensors"
# 2: the provenance has the fingerprint of a data set, and hashes of rows and weights beside it. 3: a canary, callbacks
# with all that they hold, and settings described by what they do.
_FORMAT = 3

Arrays = dict[str, npt.NDArray[Any]]


@attrs.frozen(kw_only=True, eq=False)
class Checkpoint:
    """Everything a run needs to go on as if it had not been stopped."""

    arrays: Arrays  # variables of model, optimizer and metrics, and the arrays of callbacks
    state: dict[str, Any]  # plain values: epoch, row, step, history and so on
    provenance: dict[str, str]  # data, settings, versions and machine: the run goes on only with the same


def write_checkpoint(folder: str | os.PathLike[str], checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into a folder, made if missing, replacing the one before it; return the file's path.

    Raises
    ------
    SettingError
        If `folder` is a file.
    OSError
        If the system refuses, for example because the disk is full; the checkpoint before it is untouched.
    """
    from safetensors.numpy import save

    path = Path(folder) / FILE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise SettingError(f"checkpoint must be a folder; {path.parent} is a file.") from None
    body = json.dumps({"format": _FORMAT, "state": checkpoint.state, "provenance": checkpoint.provenance})
    arrays = {name: np.asarray(array, order="C") for name, array in checkpoint.arrays.items()}
    return write_atomically(path, save(arrays, metadata={"lenetkit": body, "sha256": _digest(arrays, body)}))


def read_checkpoint(
    folder: str | os.PathLike[str], provenance: Mapping[str, str], *, more_epochs: bool = False
) -> Checkpoint | None:
    """Read the checkpoint of the run with this provenance; return None if there is no checkpoint yet.

    With `more_epochs` the run may have been planned for fewer epochs than now, which is right only where no step
    depends on their number.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, or was written by a run with other data, settings or versions: the
        message shows each difference.
    """
    path = Path(folder) / FILE_NAME
    try:
        arrays, content = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read: {error.strerror or error}. It may be whole; make it readable for "
            "this user, or name another folder to start anew."
        ) from error
    if content["format"] != _FORMAT:
        raise CheckpointError(
            f"the checkpoint {path} has format {content['format']}; this version of lenetkit reads format {_FORMAT}. "
            "Go on with the version that wrote it, or remove the file to start anew."
        )
    found = Checkpoint(arrays=arrays, state=content["state"], provenance=content["provenance"])
    differences = [
        f"  {name}: {found.provenance.get(name, 'missing')} then, {provenance.get(name, 'missing')} now"
        for name in {**found.provenance, **provenance}
        if found.provenance.get(name) != provenance.get(name)
    ]
    longer = _is_longer(found.provenance.get("setting epochs"), provenance.get("setting epochs"))
    if longer and more_epochs and len(differences) == 1:
        return found
    if differences:
        explained = (
            "\nMore epochs go on from a checkpoint only where no step depends on their number, as with a constant "
            "learning rate: one-cycle falls to nothing at the last step of the run that was planned."
        )
        raise CheckpointError(
            f"the checkpoint {path} belongs to another run; going on would not give what either run gives:\n"
            + "\n".join(differences)
            + (explained if longer and not more_epochs else "")
            + "\nRun with what it was written with, or remove the file to start anew."
        )
    return found


def _read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    with open(path, "rb"):
        pass  # what the system refuses is told in its words
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        body = metadata["lenetkit"]
        if metadata["sha256"] != _digest(arrays, body):
            raise ValueError("its content does not have the hash that it carries")
        return arrays, json.loads(body)
    except (SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"the checkpoint {path} is damaged ({error}). Remove it to start the run anew."
        ) from error


def _is_longer(then: str | None, now: str | None) -> bool:
    """Tell whether a run of whole epochs was given more of them."""
    try:
        return float(then or "") < float(now or "") and float(then or "").is_integer()
    except ValueError:
        return False


def _digest(arrays: Mapping[str, npt.NDArray[Any]], body: str) -> str:
    digest = hashlib.sha256(body.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()
