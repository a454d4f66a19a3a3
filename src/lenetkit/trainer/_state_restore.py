"""State of Python objects, brought back from what :mod:`lenetkit.trainer._state_graph` made of it."""

import contextlib
import io
import random
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lenetkit.trainer._state_graph import VALUE_TYPES, Arrays, Encoder, find_class

__all__ = ["Decoder"]

_LEAVE: Any = object()  # stands for what belongs to the process and is not there now


class Decoder:
    """Bring objects back into the state of an encoding.

    Parameters
    ----------
    nodes : sequence of mapping
        Those of the encoding.
    arrays : mapping of str to ndarray
        Its arrays.
    start : Encoder
        An encoding of the objects that are there now: what was there at the start of the run is filled in place.
    """

    def __init__(self, nodes: Sequence[Mapping[str, Any]], arrays: Arrays, start: Encoder) -> None:
        self._nodes, self._arrays, self._start = nodes, arrays, start
        self._built: dict[int, Any] = {}
        self._used: set[int] = set()
        self._to_fill: list[Callable[[], None]] = []

    def decode(self, form: Any) -> Any:
        """Return the value of a JSON form that :meth:`Encoder.encode` returned."""
        value = self._value(form)
        while self._to_fill:
            self._to_fill.pop(0)()
        return value

    def fill(self, value: Any, attributes: Mapping[str, Any], *, leave: Sequence[str] = ()) -> None:
        """Give an object these attributes, encoded, and no others but those to `leave`."""
        self._fill_attributes(value, attributes, leave)
        while self._to_fill:
            self._to_fill.pop(0)()

    def claim(self, form: Any, value: Any) -> None:
        """Let a reference stand for this object, which somebody else fills."""
        self._built[form["ref"]] = value

    def _value(self, form: Any) -> Any:
        if not isinstance(form, dict):
            return form
        index = form["ref"]
        if index not in self._built:
            node = self._nodes[index]
            self._built[index] = self._build(index, node, self._there(node))
        return self._built[index]

    def _there(self, node: Mapping[str, Any]) -> Any:
        """Return the object that has the place now which this one had when the run began, at most once."""
        value = self._start.objects.get(node["at"]) if node["at"] is not None else None
        if value is None or id(value) in self._used:
            return None
        return value

    def _build(self, index: int, node: Mapping[str, Any], there: Any) -> Any:
        kind = node["type"]
        if kind in VALUE_TYPES:
            return VALUE_TYPES[kind][2](node["value"])
        if kind in ("tuple", "frozenset"):
            return self._immutable(node, there)
        if kind == "bound":
            if there is not None:
                self._to_fill.append(lambda: self._fill_scope(there, node["inside"]))
            return _LEAVE if there is None else there
        make: Callable[[Any, Any], Any] = {
            "array": self._array,
            "bytearray": self._bytearray,
            "random": self._random,
            "variables": self._variables,
            "enum": self._enum,
            "object": self._object,
        }.get(kind, self._container)
        value = self._built[index] = make(node, there)
        if value is there:
            self._used.add(id(value))
        return value

    def _class(self, name: str) -> Any:
        found = self._start.classes.get(name) or find_class(name)
        if found is None:
            raise LookupError(f"a class {name}")
        return found

    def _immutable(self, node: Mapping[str, Any], there: Any) -> Any:
        kind = self._class(node["class"])
        items = [self._value(item) for item in node["items"]]
        if any(item is _LEAVE for item in items):
            return _LEAVE if there is None else there
        return tuple.__new__(kind, items) if issubclass(kind, tuple) else frozenset.__new__(kind, items)

    def _array(self, node: Mapping[str, Any], there: Any) -> Any:
        array = self._arrays[node["array"]]
        if node["packed"]:
            array = np.load(io.BytesIO(array.tobytes()), allow_pickle=False)
        if node.get("tensor"):
            import tensorflow as tf

            return tf.constant(array)
        if node["scalar"]:
            return array[()]
        alike = type(there) is np.ndarray and (there.shape, there.dtype) == (array.shape, array.dtype)
        if alike and there.flags.writeable and there.flags.c_contiguous == array.flags.c_contiguous:
            there[...] = array
            return there
        return array

    def _bytearray(self, node: Mapping[str, Any], there: Any) -> Any:
        content = bytes.fromhex(node["value"])
        if type(there) is not bytearray:
            return bytearray(content)
        there[:] = content
        return there

    def _random(self, node: Mapping[str, Any], there: Any) -> Any:
        state = self.decode(node["state"])
        kinds = {"Generator": np.random.Generator, "RandomState": np.random.RandomState, "Random": random.Random}
        kind = kinds.get(node["class"])
        if kind is np.random.Generator:
            same = type(there) is kind and there.bit_generator.state["bit_generator"] == state["bit_generator"]
            value = there if same else np.random.Generator(getattr(np.random, str(state["bit_generator"]))())
            value.bit_generator.state = state
            return value
        value = there if kind is None or type(there) is kind else kind()
        value.set_state(state) if kind is np.random.RandomState else value.setstate(state)
        return value

    def _variables(self, node: Mapping[str, Any], there: Any) -> Any:
        arrays = [self._arrays[name] for name in node["arrays"]]
        if arrays and there is None:
            raise LookupError("a Keras object with variables")
        variables = self._start.find_variables(there) if arrays else []
        if [tuple(v.shape) for v in variables] != [array.shape for array in arrays]:
            raise LookupError(f"a {type(there).__name__} with variables of the same shapes")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return _LEAVE if there is None else there

    def _enum(self, node: Mapping[str, Any], there: Any) -> Any:  # noqa: ARG002
        return self._class(node["class"])[node["name"]]

    def _object(self, node: Mapping[str, Any], there: Any) -> Any:
        kind = self._class(node["class"])
        value = there if type(there) is kind else object.__new__(kind)
        self._to_fill.append(lambda: self._fill_attributes(value, node["attributes"]))
        return value

    def _container(self, node: Mapping[str, Any], there: Any) -> Any:
        kind = self._class(node["class"])
        fits = type(there) is kind and getattr(there, "maxlen", None) == node.get("maxlen")
        if fits:
            value = there
        elif kind is deque:
            value = deque(maxlen=node["maxlen"])
        else:
            value = kind.__new__(kind)
            if issubclass(kind, deque):
                deque.__init__(value, maxlen=node["maxlen"])
        self._to_fill.append(lambda: self._fill_container(value, node))
        return value

    def _fill_container(self, value: Any, node: Mapping[str, Any]) -> None:
        if "attributes" in node:
            self._fill_attributes(value, node["attributes"])
        if node["type"] == "dict":
            self._fill_mapping(value, node)
            return
        base: Any = {"list": list, "set": set, "deque": deque}[node["type"]]
        items = [self._value(item) for item in node["items"]]
        if base is not set:
            items = [
                item if item is not _LEAVE or index >= len(value) else value[index] for index, item in enumerate(items)
            ]
        if any(item is _LEAVE for item in items):
            return  # what belongs to the process is not there, so nothing can hold it
        base.clear(value)
        add = base.update if base is set else base.extend
        add(value, items)

    def _fill_mapping(self, value: Any, node: Mapping[str, Any]) -> None:
        items = [(self._value(key), self._value(item)) for key, item in node["items"]]
        items = [(key, value.get(key, _LEAVE) if item is _LEAVE else item) for key, item in items if key is not _LEAVE]
        if len(items) < len(node["items"]) or any(item is _LEAVE for _, item in items):
            return
        if isinstance(value, defaultdict) and (factory := self._value(node["factory"])) is not _LEAVE:
            value.default_factory = factory
        if isinstance(value, OrderedDict):  # which keeps its order beside the dict
            OrderedDict.clear(value)
            for key, item in items:
                OrderedDict.__setitem__(value, key, item)
        else:
            dict.clear(value)
            dict.update(value, items)

    def _fill_attributes(self, value: Any, attributes: Mapping[str, Any], leave: Sequence[str] = ()) -> None:
        present = getattr(value, "__dict__", {})
        for name in [n for n in present if n not in attributes and n not in leave]:
            del present[name]
        for name, form in attributes.items():
            if (restored := self._value(form)) is not _LEAVE:
                if hasattr(value, "__dict__") and not _is_slot(type(value), name):
                    present[name] = restored
                else:
                    object.__setattr__(value, name, restored)

    def _fill_scope(self, function: Any, inside: Mapping[str, Any]) -> None:
        cells: dict[str, Any] = {}
        if isinstance(function, types.FunctionType):
            cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for name, form in inside.items():
            cell, value = cells.get(name.partition(".")[2]), self._value(form)
            with contextlib.suppress(ValueError):  # not assigned yet
                if cell is not None and value is not _LEAVE and cell.cell_contents is not value:
                    cell.cell_contents = value


def _is_slot(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), types.MemberDescriptorType) for base in kind.__mro__)
