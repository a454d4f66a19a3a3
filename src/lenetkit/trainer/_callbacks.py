"""Callbacks of a run: their settings, by which a checkpoint knows them, and their state, which it keeps."""

import contextlib
import csv
import functools
import inspect
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

__all__ = ["CallbackStates", "describe_callbacks", "has_batch_hooks", "note_callbacks", "reopened_logs"]

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
        with contextlib.suppress(KeyError, TypeError, ValueError):  # none of its own, or one that tells nothing
            names |= set(inspect.signature(vars(base)["__init__"]).parameters)
    hooks = {name for name in dir(kind) if name.startswith("on_")}  # those of a LambdaCallback
    return (names | hooks) - {"self"}


def _is_setting(value: Any) -> bool:
    """Tell whether an attribute says what a callback does: counts and texts say as often when, where and for whom."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_is_setting, value))
    if isinstance(value, dict):
        return any(map(_is_setting, value.values()))
    if isinstance(value, (np.ndarray, functools.partial, types.FunctionType)):
        return True
    return isinstance(value, (float, np.floating)) and not _is_of_this_process(value)


def _is_of_this_process(value: Any) -> bool:
    clock = abs(value - time.time()) < _CLOCK_SECONDS or abs(value - time.time_ns()) < _CLOCK_SECONDS * 1e9
    timer = value > 1 and 0 <= time.perf_counter() - value < 3600 and not value.is_integer()
    return bool(clock or timer)


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
        # A class attribute that a run changes is state; others are settings, and stay as they are now.
        self._class_settings = {key: describe(value) for key, _, _, value in self._class_attributes()}
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
        classes = {
            key: encoder.try_encode(value, key)
            for key, _, _, value in self._class_attributes()
            if describe(value) != self._class_settings.get(key)
        }
        arrays = {f"callbacks/{name}": array for name, array in encoder.arrays.items()}
        return {"nodes": encoder.nodes, "callbacks": forms, "classes": classes}, arrays

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
            except LookupError as error:
                raise CheckpointError(
                    f"callbacks[{index}] ({type(callback).__name__}) of the run that was stopped had {error}, which it "
                    "lacks now. Give it what it had when that run began."
                ) from None
        for key, base, name, _ in self._class_attributes():
            if key in state["classes"]:
                self._class_settings[key] = ""  # changed before, so kept from now on
                setattr(base, name, decoder.decode(state["classes"][key]))

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
            kept = {name: form for name, form in attributes.items() if form is not _NO_FORM}
            left = [name for name, form in attributes.items() if form is _NO_FORM]
            forms.append({"self": reference, "attributes": kept, "left": left})
        if start is None:
            for key, _, _, value in self._class_attributes():
                encoder.try_encode(value, key)
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

    def _class_attributes(self) -> Iterator[tuple[str, type, str, Any]]:
        """Yield key, class, name and value of what the user's classes of the callbacks hold themselves."""
        classes = dict.fromkeys(base for callback in self._callbacks for base in type(callback).__mro__)
        for base in classes:
            if not is_library_class(base):
                for name, value in list(vars(base).items()):
                    descriptor = hasattr(type(value), "__get__") or hasattr(type(value), "__set__")
                    if not name.startswith("__") and not descriptor and not is_process_bound(value):
                        yield f"{base.__module__}.{base.__qualname__}.{name}", base, name, value


_NO_FORM: Any = object()


def _add_known_functions(encoder: Encoder) -> None:
    """Give the functions that Keras' callbacks choose between a name by which they are found again."""
    import keras

    for name in ("less", "greater"):
        encoder.encode(getattr(keras.ops, name), f"keras.ops.{name}")


@contextlib.contextmanager
def reopened_logs(callbacks: Sequence[Any], epoch: int | None) -> Iterator[None]:
    """Let every CSVLogger that begins in the block go on with its file, cut to the epochs before this one, if any.

    Keras' logger starts its file anew with every ``fit``; the epochs before a run was stopped would be lost.
    """
    import keras

    loggers = [callback for callback in callbacks if isinstance(callback, keras.callbacks.CSVLogger)]
    going_on = [] if epoch is None else [logger for logger in loggers if Path(logger.filename).is_file()]
    appending = [logger.append for logger in going_on]
    for logger in going_on:
        lines = Path(logger.filename).read_bytes().splitlines(keepends=True)
        while lines and (not lines[-1].endswith(b"\n") or _read_epoch(lines[-1], logger.sep) >= (epoch or 0)):
            lines.pop()
        write_atomically(logger.filename, b"".join(lines))
        logger.append = True
    yield
    for logger, append in zip(going_on, appending, strict=True):
        logger.append, logger.append_header = append, not Path(logger.filename).stat().st_size


def _read_epoch(line: bytes, separator: str) -> int:
    first = next(csv.reader([line.decode("utf-8", "replace")], delimiter=separator), [""])[0]
    return int(first) if first.isdigit() else -1
