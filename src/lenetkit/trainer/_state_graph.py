"""State of Python objects as JSON and arrays: what they hold, which of it is shared, and back into the same objects.

Kept are numbers, texts, arrays, random generators, Keras variables, lists, tuples, sets, deques, mappings, and objects
by their attributes. Functions, models, files, locks and their like belong to the process: they stay what they are.
No code is stored or run; an object is filled where it stands, or made anew of a class that is there already.
"""

import contextlib
import dis
import enum
import functools
import io
import random
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.trainer._setting_description import is_library_class

__all__ = ["VALUE_TYPES", "Arrays", "Encoder", "StateError", "get_attributes", "get_scope", "is_process_bound"]

Arrays = dict[str, npt.NDArray[Any]]

_PLAIN = (bool, int, float, str, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset, deque)
_KNOWN_CLASSES = {kind.__name__: kind for kind in (*_CONTAINERS, Counter, OrderedDict, defaultdict)}
_SAFETENSORS_SIZES = (1, 2, 4, 8)
_PYTHON_CLASS = 1 << 9  # Py_TPFLAGS_HEAPTYPE

# Objects of these modules' classes stand for something outside the run.
_PROCESS_MODULES = (
    "IPython", "_asyncio", "_csv", "_io", "_sqlite3", "_thread", "_weakref", "asyncio", "concurrent", "contextlib",
    "contextvars", "csv", "functools", "io", "ipywidgets", "keras", "logging", "matplotlib", "mlflow",
    "multiprocessing", "re", "rich", "select", "selectors", "socket", "sqlite3", "ssl", "subprocess", "tempfile",
    "tensorboard", "tensorflow", "threading", "tqdm", "uuid", "wandb", "weakref",
)  # fmt: skip
# Objects of these are data, wherever they are.
_DATA_MODULES = ("builtins", "collections", "itertools", "numpy", "pandas", "scipy", "sklearn")
# What Cython adds to the classes that it makes.
_CYTHON_NAMES = {"__pyx_vtable__", "__reduce_cython__", "__setstate_cython__"}
_PROCESS_TYPES = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, functools.partial, type,
    io.IOBase, np.ufunc, np.dtype, np.memmap,
)  # fmt: skip


class StateError(Exception):
    """A value that has no form in a checkpoint."""

    def __init__(self, path: str, value: Any) -> None:
        super().__init__(path)
        self.path, self.kind = path, type(value).__qualname__


class _ProcessBoundError(Exception):
    """An object of a library that holds something of the process."""


def _value_types() -> dict[str, tuple[type, Any, Any]]:
    """Return the immutable types that are stored as JSON values: class, way there, way back."""
    import datetime as dt
    import decimal
    import fractions
    import pathlib

    times = (dt.datetime, dt.date, dt.time)
    return {
        "bytes": (bytes, bytes.hex, bytes.fromhex),
        "complex": (complex, lambda z: [z.real, z.imag], lambda pair: complex(*pair)),
        "range": (range, lambda r: [r.start, r.stop, r.step], lambda three: range(*three)),
        "decimal": (decimal.Decimal, str, decimal.Decimal),
        "fraction": (fractions.Fraction, str, fractions.Fraction),
        "path": (type(pathlib.Path()), str, pathlib.Path),
        "timedelta": (
            dt.timedelta,
            lambda t: [t.days, t.seconds, t.microseconds],
            lambda three: dt.timedelta(*three),
        ),
        **{kind.__name__: (kind, kind.isoformat, kind.fromisoformat) for kind in times},
    }


VALUE_TYPES = _value_types()
"""The immutable types that are stored as JSON values, by name: class, way there, way back."""

_VALUE_NAMES = {kind: name for name, (kind, _, _) in VALUE_TYPES.items()}


def is_process_bound(value: Any) -> bool:
    """Tell whether a value belongs to the process and not to the run."""
    return isinstance(value, _PROCESS_TYPES) or type(value).__module__.partition(".")[0] in _PROCESS_MODULES


class Encoder:
    """One encoding of values that may share parts.

    Parameters
    ----------
    start : Encoder, optional
        The encoding of the same values when the run began: what was there then is told by its path.
    owned : set of int
        The ids of variables that the run itself keeps.
    """

    def __init__(self, start: "Encoder | None" = None, owned: frozenset[int] = frozenset()) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.arrays: Arrays = {}
        self.objects: dict[str, Any] = {}  # by path
        self.classes: dict[str, type] = dict(_KNOWN_CLASSES)
        self._start, self._owned = start, owned
        self._paths: dict[int, str] = {}
        self._indices: dict[int, int] = {}
        self._alive: list[Any] = []  # an id is that of one object only while the object lives
        self._strict = 0

    def find_path(self, value: Any) -> str | None:
        """Return the path of an object that was there when this encoding was made."""
        return self._paths.get(id(value))

    def encode(self, value: Any, path: str) -> Any:
        """Return a JSON form of a value: itself if it is plain, or a reference to a node.

        Raises
        ------
        StateError
            If the value, or something in it, cannot be kept.
        """
        if type(value) in _PLAIN:
            return value
        if id(value) not in self._indices:
            index = self._indices[id(value)] = len(self.nodes)
            self._alive.append(value)
            self._paths[id(value)] = path
            self.objects[path] = value
            node: dict[str, Any] = {}
            self.nodes.append(node)
            at = path if self._start is None else self._start.find_path(value)
            node.update(self._node(value, path), at=at)
            self.nodes[index] = node
        return {"ref": self._indices[id(value)]}

    def reserve(self, value: Any, path: str) -> dict[str, int]:
        """Return a reference to an object that is kept elsewhere, so that others may refer to it."""
        self._indices[id(value)], self._paths[id(value)] = len(self.nodes), path
        self._alive.append(value)
        self.nodes.append({"type": "elsewhere", "at": None})
        return {"ref": self._indices[id(value)]}

    def find_variables(self, value: Any) -> list[Any]:
        """Return the variables of a Keras or TensorFlow object, but those of the model that is trained."""
        variables = list(value.variables) if hasattr(value, "variables") else [value]
        return [variable for variable in variables if id(variable) not in self._owned]

    def try_encode(self, value: Any, path: str) -> Any:
        """Return the form of a value, or None if it has none: then nothing of it is kept."""
        kept = len(self.nodes), len(self._alive), self._strict
        try:
            return self.encode(value, path)
        except (StateError, _ProcessBoundError):
            self._undo(*kept)
            return None

    def _undo(self, nodes: int, alive: int, strict: int) -> None:
        for value in self._alive[alive:]:
            self._indices.pop(id(value), None)
            self.objects.pop(self._paths.pop(id(value), ""), None)
        for name in [n for n in self.arrays if int(n.partition("/")[0]) >= nodes]:
            del self.arrays[name]
        del self.nodes[nodes:], self._alive[alive:]
        self._strict = strict

    def _node(self, value: Any, path: str) -> dict[str, Any]:
        import tensorflow as tf

        kind = type(value)
        if kind in _VALUE_NAMES:
            name = _VALUE_NAMES[kind]
            return {"type": name, "value": VALUE_TYPES[name][1](value)}
        if isinstance(value, (np.ndarray, np.generic)) and (kind is np.ndarray or isinstance(value, np.generic)):
            return self._array(value, path)
        if isinstance(value, tf.Tensor) and hasattr(value, "numpy"):
            return {**self._array(np.asarray(value.numpy()), path), "tensor": True}
        if isinstance(value, bytearray):
            return {"type": "bytearray", "value": value.hex()}
        if isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
            state = get_random_state(value)
            self._alive.append(state)
            return {"type": "random", "class": kind.__name__, "state": self.encode(state, f"{path}.state")}
        if isinstance(value, _CONTAINERS) and not is_process_bound(value):
            return self._container(value, path)
        if (variables := self._variables(value)) is not None:
            return variables
        if is_process_bound(value):
            return self._bound(value, path)
        return self._object(value, path)

    def _array(self, value: Any, path: str) -> dict[str, Any]:
        array, name = np.asarray(value), f"{len(self.nodes) - 1}/array"
        if array.dtype.hasobject:
            raise StateError(path, value)
        simple = array.dtype.kind in "biuf" and array.dtype.itemsize in _SAFETENSORS_SIZES and array.dtype.isnative
        packed = not (simple and array.flags.c_contiguous)
        if packed:
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=False)
        self.arrays[name] = np.frombuffer(stream.getvalue(), np.uint8) if packed else array
        return {"type": "array", "array": name, "packed": packed, "scalar": isinstance(value, np.generic)}

    def _container(self, value: Any, path: str) -> dict[str, Any]:
        kind = type(value)
        base = next(known for known in _CONTAINERS if isinstance(value, known))
        node: dict[str, Any] = {"type": base.__name__, "class": self._class(value, path)}
        if base is dict:
            node["items"] = [
                [self.encode(key, f"{path}.keys[{index}]"), self.encode(item, f"{path}[{key!r}]")]
                for index, (key, item) in enumerate(value.items())
            ]
        else:
            node["items"] = [self.encode(item, f"{path}[{index}]") for index, item in enumerate(value)]
        if base is deque:
            node["maxlen"] = value.maxlen
        if isinstance(value, defaultdict):
            node["factory"] = self.encode(value.default_factory, f"{path}.default_factory")
        if kind not in _KNOWN_CLASSES.values():
            node["attributes"] = self._attributes(value, path)
        return node

    def _class(self, value: Any, path: str) -> str:
        """Return the name by which a class is found again."""
        kind = type(value)
        name = kind.__name__ if kind in _KNOWN_CLASSES.values() else f"{kind.__module__}.{kind.__qualname__}"
        there = self._start is None or self._start.find_path(value) or self._start.classes.get(name) is kind
        if not there and find_class(name) is not kind:
            raise StateError(path, value)
        self.classes[name] = kind
        return name

    def _variables(self, value: Any) -> dict[str, Any] | None:
        """Keep the variables of a Keras or TensorFlow object, but those of the model that is trained."""
        import keras
        import tensorflow as tf

        kinds = (keras.Layer, keras.metrics.Metric, keras.optimizers.Optimizer, tf.Module, keras.Variable, tf.Variable)
        if not isinstance(value, kinds):
            return None
        mine = self.find_variables(value)
        names = [f"{len(self.nodes) - 1}/variable/{index}" for index in range(len(mine))]
        self.arrays.update({name: np.asarray(v.numpy()) for name, v in zip(names, mine, strict=True)})
        return {"type": "variables", "arrays": names}

    def _bound(self, value: Any, path: str) -> dict[str, Any]:
        """Keep nothing of the process but what a function or method changes."""
        if self._strict:
            raise _ProcessBoundError
        inside = {name: self.try_encode(item, f"{path}.{name}") for name, item in get_scope(value)}
        return {"type": "bound", "inside": {name: form for name, form in inside.items() if form is not None}}

    def _object(self, value: Any, path: str) -> dict[str, Any]:
        kind = type(value)
        if isinstance(value, enum.Enum):
            return {"type": "enum", "class": self._class(value, path), "name": value.name}
        if kind is object or value is Ellipsis or value is NotImplemented:
            return {"type": "bound", "inside": {}}
        if not is_foreign(kind):
            return self._by_attributes(value, path)
        # An object of a library is kept if it is nothing but values; it may be a connection, a logger, a window.
        kept = len(self.nodes), len(self._alive), self._strict
        self._strict += 1
        try:
            return self._by_attributes(value, path)
        except (_ProcessBoundError, StateError):
            if kind.__module__.partition(".")[0] in _DATA_MODULES:
                raise StateError(path, value) from None
            if kept[2]:
                raise
            self._undo(*kept)
            return {"type": "bound", "inside": {}}
        finally:
            self._strict = kept[2]

    def _by_attributes(self, value: Any, path: str) -> dict[str, Any]:
        kind = type(value)
        is_open = hasattr(value, "__dict__") or any("__slots__" in vars(base) for base in kind.__mro__)
        if not is_open or not all(map(_is_written_in_python, kind.__mro__[:-1])):
            raise StateError(path, value)  # a class written in C, whose content is not in its attributes
        return {"type": "object", "class": self._class(value, path), "attributes": self._attributes(value, path)}

    def _attributes(self, value: Any, path: str) -> dict[str, Any]:
        return {name: self.encode(item, f"{path}.{name}") for name, item in get_attributes(value).items()}


def is_foreign(kind: type) -> bool:
    """Tell whether a class comes from a library and not from the user's program."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return is_library_class(kind) or "site-packages" in file or "dist-packages" in file


def _is_written_in_python(kind: type) -> bool:
    return bool(kind.__flags__ & _PYTHON_CLASS) and not _CYTHON_NAMES & vars(kind).keys()


def find_class(name: str) -> type | None:
    """Return a class of the user's modules by its full name; None for those of libraries and functions."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        if (module := sys.modules.get(".".join(parts[:cut]))) is not None:
            found: Any = module
            for part in parts[cut:]:
                found = vars(found).get(part) if hasattr(found, "__dict__") else None
            return found if isinstance(found, type) and not is_foreign(found) else None
    return None


def get_attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, in its dictionary and its slots."""
    found = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                private = f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") else name
                with contextlib.suppress(AttributeError):
                    found[private] = object.__getattribute__(value, private)
    return found


def get_random_state(generator: Any) -> Any:
    """Return the state of a random generator as plain values."""
    if isinstance(generator, np.random.Generator):
        return dict(generator.bit_generator.state)
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()


def get_scope(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a function or method changes: the object that it is bound to, and variables around it."""
    if isinstance(function, functools.partial):
        for index, item in enumerate((function.func, *function.args, *function.keywords.values())):
            if _may_change(item) or isinstance(item, (types.FunctionType, types.MethodType)):
                yield f"partial[{index}]", item
    elif isinstance(function, types.MethodType):
        if _may_change(function.__self__):
            yield "self", function.__self__
    elif isinstance(function, types.FunctionType):
        assigned = {step.argval for step in dis.get_instructions(function.__code__) if step.opname == "STORE_DEREF"}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # not assigned yet
                content = cell.cell_contents
                is_function = isinstance(content, (types.FunctionType, types.MethodType, functools.partial))
                if name in assigned or is_function or _may_change(content):
                    yield f"scope.{name}", content


def _may_change(value: Any) -> bool:
    """Tell whether a value is a container, an array or an object of the user's own that may change in place."""
    if isinstance(value, (list, dict, set, deque, bytearray, np.ndarray, np.random.Generator, random.Random)):
        return True
    kind = type(value)
    mutable = hasattr(value, "__dict__") and not isinstance(value, (type, *_PROCESS_TYPES))
    return mutable and not is_foreign(kind) and not attrs.has(kind)
