"""Callbacks of a run: their settings, by which a checkpoint knows them, and their state, which it keeps."""

import csv
import functools
import inspect
import os
import time
import types
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lenetkit._utils.files import write_atomically
from lenetkit.exceptions import CheckpointError, SettingError
from lenetkit.trainer._setting_description import describe, is_library_class
from lenetkit.trainer._state_graph import Arrays, Encoder, StateError, is_process_bound
from lenetkit.trainer._state_restore import Decoder

__all__ = ["CallbackStates", "describe_callbacks", "has_batch_hooks", "note_callbacks", "reopen_logs"]

# What a run gives to every callback.
_GIVEN = ("_model", "model", "params", "validation_data")
_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
# Two clocks within this many seconds of each other are taken for the time at which a callback was made.
_CLOCK_SECONDS = 30 * 86_400.0

# The settings of a callback when its first run began and what they had become when its last run ended: a callback that
# nobody has touched since then goes on with the settings that it was made with.
_descriptions: "weakref.WeakKeyDictionary[Any, tuple[dict[str, str], dict[str, str]]]" = weakref.WeakKeyDictionary()


def describe_callbacks(callbacks: Sequence[Any]) -> dict[str, str]:
    """Return the settings of callbacks, as they were when each was first used, by names such as ``[0].factor``."""
    described = {}
    for index, callback in enumerate(callbacks):
        now = _describe_callback(callback)
        first, last = _remembered(callback) or (now, now)
        first = first if now == last else now
        with_memory = getattr(type(callback), "__hash__", None) is not None
        if with_memory:
            _descriptions[callback] = (first, now)
        described.update({f"[{index}]{name}": text for name, text in first.items()})
    return described


def note_callbacks(callbacks: Sequence[Any]) -> None:
    """Note what the settings of callbacks are at the end of a run."""
    for callback in callbacks:
        if (remembered := _remembered(callback)) is not None:
            _descriptions[callback] = (remembered[0], _describe_callback(callback))


def _remembered(callback: Any) -> tuple[dict[str, str], dict[str, str]] | None:
    return _descriptions.get(callback) if getattr(type(callback), "__hash__", None) is not None else None


def _describe_callback(callback: Any) -> dict[str, str]:
    kind = type(callback)
    named = _constructor_names(kind)
    described = {"": describe(kind)}
    for name, value in vars(callback).items():
        if name in _GIVEN:
            continue
        if name == "min_delta" and hasattr(callback, "monitor_op") and isinstance(value, (int, float)):
            value = abs(value)  # Keras turns its sign when it first looks at the metric
        is_argument = name in named or name.removeprefix("_") in named
        if is_argument or (not is_library_class(kind) and _is_setting(value)):
            described[f".{name}"] = describe(value)
    return described


def _constructor_names(kind: type) -> set[str]:
    """Return the arguments that the class and its bases take."""
    names: set[str] = set()
    for base in kind.__mro__:
        if "__init__" in vars(base):
            names |= set(inspect.signature(vars(base)["__init__"]).parameters)
    hooks = {name for name in dir(kind) if name.startswith("on_")}  # those of a LambdaCallback
    return (names | hooks) - {"self"}


def _is_setting(value: Any) -> bool:
    """Tell whether an attribute says what a callback does, and not when, where or in which process."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_setting, value))
    if isinstance(value, dict):
        return all(map(_is_setting, value.values()))
    if isinstance(value, (bool, np.ndarray, functools.partial, types.FunctionType)) or value is None:
        return True
    return isinstance(value, (int, float, np.number)) and not _is_of_this_process(value)


def _is_of_this_process(value: Any) -> bool:
    clock = abs(value - time.time()) < _CLOCK_SECONDS or abs(value - time.time_ns()) < _CLOCK_SECONDS * 1e9
    timer = (
        isinstance(value, float) and value > 1 and 0 <= time.perf_counter() - value < 3600 and not value.is_integer()
    )
    return bool(clock or timer or value == os.getpid())


def has_batch_hooks(callbacks: Sequence[Any]) -> bool:
    """Tell whether a callback of the user's own does something after every call of steps."""
    for callback in callbacks:
        owners = [base for base in type(callback).__mro__ for name in _BATCH_HOOKS if name in vars(base)]
        if any(not is_library_class(base) for base in owners) or any(name in vars(callback) for name in _BATCH_HOOKS):
            return True
    return False


class CallbackStates:
    """State of the callbacks of a run that has begun: what they keep in attributes, and their classes in theirs.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
    variables : sequence
        The variables that the run keeps itself.

    Raises
    ------
    SettingError
        If a callback holds something that a checkpoint cannot keep; the message names callback and attribute.
    """

    def __init__(self, callbacks: Sequence[Any], variables: Sequence[Any]) -> None:
        self._callbacks = list(callbacks)
        self._owned = frozenset(id(v) for v in (*variables, *(getattr(v, "value", None) for v in variables)))
        self._start, _ = self._encode(None)

    def get(self) -> tuple[dict[str, Any], Arrays]:
        """Return the state as plain values and arrays.

        Raises
        ------
        SettingError
            If a callback has come to hold something that cannot be kept.
        """
        encoder, forms = self._encode(self._start)
        arrays = {f"callbacks/{name}": array for name, array in encoder.arrays.items()}
        return {"nodes": encoder.nodes, "callbacks": forms}, arrays

    def set(self, state: dict[str, Any], arrays: Arrays) -> None:
        """Bring the callbacks into a state that :meth:`get` returned.

        Raises
        ------
        CheckpointError
            If a callback does not hold any more what is to be restored.
        """
        own = {
            name.removeprefix("callbacks/"): array for name, array in arrays.items() if name.startswith("callbacks/")
        }
        decoder = Decoder(state["nodes"], own, self._start)
        for callback, form in zip(self._callbacks, state["callbacks"], strict=True):
            decoder.claim(form["self"], callback)
        for index, (callback, form) in enumerate(zip(self._callbacks, state["callbacks"], strict=True)):
            try:
                decoder.fill(callback, form["attributes"], leave=(*_GIVEN, *form["left"]))
                for base, name, _ in _class_attributes(callback):
                    value = decoder.decode(form["classes"].get(f"{base.__qualname__}.{name}"))
                    if value is not None and value is not vars(base)[name]:
                        setattr(base, name, value)
            except LookupError as error:
                raise CheckpointError(
                    f"callbacks[{index}] ({type(callback).__name__}) of the run that was stopped had {error}, which it "
                    "lacks now. Give it what it had when that run began."
                ) from None

    def _encode(self, start: Encoder | None) -> tuple[Encoder, list[dict[str, Any]]]:
        encoder = Encoder(start, self._owned)
        forms: list[dict[str, Any]] = []
        if start is None:
            _add_known_functions(encoder)
        references = [encoder.reserve(callback, str(index)) for index, callback in enumerate(self._callbacks)]
        for index, (callback, reference) in enumerate(zip(self._callbacks, references, strict=True)):
            lenient = is_process_bound(callback)
            attributes = {}
            for name, value in vars(callback).items():
                if name not in _GIVEN:
                    attributes[name] = self._encode_attribute(encoder, index, name, value, lenient=lenient)
            classes = {
                f"{base.__qualname__}.{name}": encoder.try_encode(value, f"{index}:{base.__qualname__}.{name}")
                for base, name, value in _class_attributes(callback)
            }
            kept = {name: form for name, form in attributes.items() if form is not _NO_FORM}
            left = [name for name, form in attributes.items() if form is _NO_FORM]
            forms.append({"self": reference, "attributes": kept, "left": left, "classes": classes})
        return encoder, forms

    def _encode_attribute(self, encoder: Encoder, index: int, name: str, value: Any, *, lenient: bool) -> Any:
        if lenient:  # Keras' own hold writers and models of the process
            form = encoder.try_encode(value, f"{index}.{name}")
            return _NO_FORM if form is None and value is not None else form
        try:
            return encoder.encode(value, f"{index}.{name}")
        except StateError as error:
            raise SettingError(
                f"callbacks[{index}] ({type(self._callbacks[index]).__name__}) keeps a {error.kind} in its attribute "
                f"{error.path.partition('.')[2]}, which a checkpoint cannot hold: a run that is stopped could not go "
                "on to the same result. Keep numbers, texts, NumPy arrays, random generators, or lists, tuples, sets, "
                "deques and dicts of these; or train without checkpoint=."
            ) from None


_NO_FORM: Any = object()


def _add_known_functions(encoder: Encoder) -> None:
    """Give the functions that Keras' callbacks choose between a name by which they are found again."""
    import keras

    for name in ("less", "greater"):
        encoder.encode(getattr(keras.ops, name), f"keras.ops.{name}")


def _class_attributes(callback: Any) -> Iterator[tuple[type, str, Any]]:
    """Yield the values that the user's classes of a callback hold themselves."""
    for base in type(callback).__mro__:
        if not is_library_class(base):
            for name, value in list(vars(base).items()):
                descriptor = hasattr(type(value), "__get__") or hasattr(type(value), "__set__")
                if not name.startswith("__") and not descriptor and not is_process_bound(value):
                    yield base, name, value


def reopen_logs(callbacks: Sequence[Any], epoch: int) -> list[Any]:
    """Let every CSVLogger go on with its file, cut to the epochs before this one; return those to close again.

    Keras' logger starts its file anew with every ``fit``; the epochs of a run that was stopped would be lost.
    """
    import keras

    changed = []
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CSVLogger) and Path(callback.filename).is_file():
            lines = Path(callback.filename).read_bytes().splitlines(keepends=True)
            while lines and (not lines[-1].endswith(b"\n") or _read_epoch(lines[-1], callback.sep) >= epoch):
                lines.pop()
            write_atomically(callback.filename, b"".join(lines))
            if not callback.append:
                callback.append = True
                changed.append(callback)
    return changed


def _read_epoch(line: bytes, separator: str) -> int:
    first = next(csv.reader([line.decode("utf-8", "replace")], delimiter=separator), [""])[0]
    return int(first) if first.isdigit() else -1
