"""Description of settings: a text that is the same in every process, and another one for what does something else.

Numbers, texts and arrays are described by their values; functions by name, code, defaults and what they look up in
their closures and modules; objects by their class, its code and their attributes. The code of Python and of the
packages whose versions a run records is taken to be what the version says.
"""

import contextlib
import dis
import enum
import functools
import hashlib
import inspect
import os
import pathlib
import re
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np

__all__ = ["PACKAGES", "describe", "is_library_class"]

PACKAGES = ("lenetkit", "keras", "tensorflow", "numpy")
"""The packages whose versions a run records."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEEPEST = 8  # objects within objects; what lies deeper is described by its class
_LONGEST = 400  # characters; the rest of a longer text is replaced by a hash
# Values of these modules' classes are told by their repr.
_VALUE_MODULES = ("builtins", "datetime", "decimal", "fractions", "pathlib", "re", "uuid")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def describe(value: Any) -> str:
    """Return a short text for a setting; see the module."""
    try:
        return _shorten(_Describer().describe(value))
    except Exception:  # an object of the user's that does not let itself be looked at; the canary compares what it does
        return f"<{type(value).__qualname__}>"


def is_library_class(kind: type) -> bool:
    """Tell whether a class comes from Python or from a package whose version a run records."""
    return _is_versioned(kind.__module__)


def _is_versioned(module: str | None) -> bool:
    top = (module or "builtins").partition(".")[0]
    return top in PACKAGES or top in sys.stdlib_module_names or top == "builtins"


def _is_installed(kind: type) -> bool:
    """Tell whether a class is of another installed package, whose objects are often bound to the process."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return bool({"site-packages", "dist-packages"} & set(pathlib.PurePath(file).parts))


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]}... ({_hash(text)})"


def _hash(content: str | bytes) -> str:
    return hashlib.sha256(
        content.encode(errors="backslashreplace") if isinstance(content, str) else content
    ).hexdigest()[:12]


class _Describer:
    """One description; remembers what it is in the middle of, since objects may hold each other."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._in_class = 0
        self._in_scope = 0  # within the variables that a function looks up

    def describe(self, value: Any) -> str:
        if type(value) in _PLAIN:
            return repr(value)
        if id(value) in self._open or len(self._open) > 2 * _DEEPEST:
            return f"<{type(value).__qualname__}>"
        self._open.append(id(value))
        try:
            return self._compound(value)
        finally:
            self._open.pop()

    def _compound(self, value: Any) -> str:
        if isinstance(value, np.generic):
            return f"{value.dtype} {value.item()!r}"
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, enum.Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, Mapping):
            return "{" + ", ".join(sorted(f"{self.describe(k)}: {self.describe(v)}" for k, v in value.items())) + "}"
        if isinstance(value, (set, frozenset)):
            return "{" + ", ".join(sorted(map(self.describe, value))) + "}"
        if isinstance(value, (list, tuple, deque)) and not hasattr(type(value), "get_config"):
            return "[" + ", ".join(map(self.describe, value)) + "]"
        if isinstance(value, functools.partial):
            arguments = [*map(self.describe, value.args), *self._named(value.keywords)]
            return f"partial({', '.join([self.describe(value.func), *arguments])})"
        if isinstance(value, type):
            return self._class(value)
        return self._callable_or_object(value)

    def _callable_or_object(self, value: Any) -> str:
        if isinstance(value, types.MethodType):
            return f"{self.describe(value.__self__)}.{self.describe(value.__func__)}"
        if isinstance(value, types.FunctionType):
            return self._function(value)
        for name in ("python_function", "__wrapped__"):  # a tf.function; functools.lru_cache and its like
            if inspect.isroutine(inner := getattr(value, name, None)):
                return self.describe(inner)
        if inspect.isroutine(value) or isinstance(value, np.ufunc):
            return f"{getattr(value, '__module__', None)}.{getattr(value, '__qualname__', value.__name__)}"
        if isinstance(value, types.ModuleType):
            return value.__name__
        return self._object(value)

    def _array(self, array: Any) -> str:
        content = self.describe(array.tolist()) if array.dtype.hasobject else np.ascontiguousarray(array).tobytes()
        return f"{array.dtype} array {array.shape} {_hash(content)}"

    def _named(self, values: Mapping[str, Any]) -> list[str]:
        return [f"{name}={self.describe(value)}" for name, value in sorted(values.items())]

    # -- code

    def _function(self, function: types.FunctionType) -> str:
        module = "__main__" if function.__module__ == "__mp_main__" else function.__module__
        name = f"{module}.{function.__qualname__}"
        self._in_scope += 1
        try:
            closure = self._named(dict(self._visible(_closure(function))))
            if _is_versioned(module):
                return f"{name} ({', '.join(closure)})" if closure else name
            scope = self._named(dict(self._visible(_globals(function))))
        finally:
            self._in_scope -= 1
        defaults = [*map(self.describe, function.__defaults__ or ()), *self._named(function.__kwdefaults__ or {})]
        code = self._code(function.__code__, function.__doc__)
        return f"{name} ({', '.join([_hash(' '.join([code, *scope])), *defaults, *closure])})"

    def _visible(self, variables: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Leave out the texts and counts that methods look up: when and where a callback acts is not what it does."""
        for name, value in variables:
            if not (self._in_class and isinstance(value, (bool, int, str, bytes, type(None)))):
                yield name, value

    def _code(self, code: types.CodeType, documentation: str | None) -> str:
        """Describe code without its documentation, names of variables and line numbers, which do nothing."""
        constants = [
            self._code(constant, None) if isinstance(constant, types.CodeType) else self.describe(constant)
            for constant in code.co_consts
            if constant is None or constant != documentation
        ]
        return f"{code.co_code.hex()} {code.co_names} {constants}"

    def _class(self, kind: type) -> str:
        if is_library_class(kind):
            return kind.__qualname__
        self._in_class += 1
        try:
            parts = [
                f"{name} {self.describe(member)}"
                for base in kind.__mro__
                if not is_library_class(base)
                for name, member in _members(base)
            ]
        finally:
            self._in_class -= 1
        return f"{kind.__qualname__} ({_hash(' '.join(parts))})"

    # -- objects

    def _object(self, value: Any) -> str:
        kind = type(value)
        if kind.__module__ in _VALUE_MODULES or isinstance(value, os.PathLike):
            return _ADDRESS.sub("", repr(value))
        if hasattr(value, "numpy") and hasattr(value, "shape"):  # a tensor, or a variable, which is no setting
            return f"{kind.__qualname__} {value.shape}" if hasattr(value, "assign") else self._array(value.numpy())
        if len(self._open) > _DEEPEST or (self._in_scope and _is_installed(kind)):
            return kind.__qualname__
        fields = {} if hasattr(value, "_flatten_layers") else dict(_fields(value))
        return f"{self._class(kind)} {{{', '.join([*self._config(value), *self._named(fields)])}}}"

    def _config(self, value: Any) -> list[str]:
        """Describe what a Keras object says of itself."""
        config: Any = None
        if hasattr(value, "get_config"):
            with contextlib.suppress(NotImplementedError, TypeError, ValueError, AttributeError):
                config = value.get_config()
        return self._named({str(name): item for name, item in config.items()}) if isinstance(config, Mapping) else []


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the methods of a class, and its constants but for texts and counts, in the order of their names."""
    for name, member in sorted(vars(kind).items()):
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        constant = isinstance(member, (float, complex, np.floating, np.ndarray))
        written = isinstance(function, types.FunctionType) and not function.__code__.co_filename.startswith("<attrs ")
        if constant or written:
            yield name, function


def _closure(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # not assigned yet
            if name != "__class__" and not _names_a_place(cell.cell_contents):
                yield name, cell.cell_contents


def _globals(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the constants, functions and classes of its module that a function looks up."""
    for name in sorted(set(_names_of_globals(function.__code__))):
        value = function.__globals__.get(name)
        known = isinstance(value, (*_PLAIN, tuple, np.ndarray, functools.partial, types.FunctionType, type))
        if known and value is not None and not _names_a_place(value):
            yield name, value


def _names_of_globals(code: types.CodeType) -> Iterator[str]:
    yield from (step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_of_globals(constant)


def _names_a_place(value: Any) -> bool:
    """Tell whether a variable says where to write rather than what to do."""
    return isinstance(value, os.PathLike) or (isinstance(value, str) and ("/" in value or "\\" in value))


def _fields(value: Any) -> Iterable[tuple[str, Any]]:
    """Yield the attributes of an object; of Keras' own only what it says of itself counts."""
    kind = type(value)
    from_keras = any(base.__module__.partition(".")[0] in ("keras", "tensorflow") for base in kind.__mro__)
    if from_keras and is_library_class(kind):
        return
    slots = [name for base in kind.__mro__ for name in _slots(base)]
    names = [field.name for field in attrs.fields(kind)] if attrs.has(kind) else []
    for name in dict.fromkeys([*names, *slots, *getattr(value, "__dict__", ())]):
        if from_keras and (name.startswith("_") or name in ("built", "dtype", "dtype_policy", "model", "params")):
            continue
        with contextlib.suppress(AttributeError):
            yield name, object.__getattribute__(value, name)


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    return [name for name in ([slots] if isinstance(slots, str) else slots) if name not in ("__weakref__", "__dict__")]
