"""Tests for what a checkpoint knows and keeps of callbacks."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import itertools
import json
import logging
import random
import re
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lenetkit.exceptions import SettingError
from lenetkit.trainer._callbacks import CallbackStates, describe_callbacks, note_callbacks

pytestmark = pytest.mark.tensorflow


class Phase(enum.Enum):
    """Two names."""

    WARM = 1
    HOT = 2


@dataclasses.dataclass
class Record:
    """An object of the user's own."""

    epoch: int
    seen: set[int] = dataclasses.field(default_factory=set)


Pair = collections.namedtuple("Pair", "low high")


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Keeper(keras.callbacks.Callback):
    """A callback that keeps things."""

    def __init__(self, **kept: Any) -> None:
        super().__init__()
        vars(self).update(kept)


def stopped_and_resumed(before: Any, change: Any, *, make: Any = Keeper) -> tuple[Any, Any]:
    """Return a callback that kept `before()` and was changed, and a new one brought into the state of the first.

    The state takes the way through a file: JSON and arrays.
    """
    first, second = make(**before()), make(**before())
    states = CallbackStates([first], [])
    change(first)
    state, arrays = states.get()
    CallbackStates([second], []).set(json.loads(json.dumps(state)), arrays)
    return first, second


CHANGES: dict[str, tuple[Any, Any]] = {
    "set": (lambda: {"x": set()}, lambda c: c.x.update({3, 1, (2, "a"), None})),
    "frozenset": (lambda: {"x": None}, lambda c: setattr(c, "x", frozenset({1, 2}))),
    "deque": (lambda: {"x": collections.deque(maxlen=2)}, lambda c: c.x.extend([1.5, float("inf"), -0.0])),
    "dict with whole numbers": (lambda: {"x": {}}, lambda c: c.x.update({1: "a", 2.5: "b", (0, 1): "c", None: 1})),
    "dict in order": (lambda: {"x": {1: 0, 2: 0}}, lambda c: c.x.update({1: c.x.pop(1)})),
    "ordered dict": (lambda: {"x": collections.OrderedDict(a=1, b=2)}, lambda c: c.x.move_to_end("a")),
    "counter": (lambda: {"x": collections.Counter()}, lambda c: c.x.update("mississippi")),
    "default dict": (lambda: {"x": collections.defaultdict(list)}, lambda c: c.x[3].append(4)),
    "list of lists": (lambda: {"x": [[]]}, lambda c: c.x[0].append((1, [2]))),
    "bytes": (lambda: {"x": b""}, lambda c: setattr(c, "x", b"\x00\xff")),
    "bytearray": (lambda: {"x": bytearray()}, lambda c: c.x.extend(b"ab")),
    "complex": (lambda: {"x": 0j}, lambda c: setattr(c, "x", 1 + 2j)),
    "large number": (lambda: {"x": 0}, lambda c: setattr(c, "x", 10**40)),
    "lone surrogate": (lambda: {"x": ""}, lambda c: setattr(c, "x", "\ud800é")),
    "date": (lambda: {"x": dt.date(2020, 1, 1)}, lambda c: setattr(c, "x", dt.datetime(2021, 2, 3, tzinfo=dt.UTC))),
    "duration": (lambda: {"x": dt.timedelta()}, lambda c: setattr(c, "x", dt.timedelta(1, 2, 3))),
    "decimal": (lambda: {"x": decimal.Decimal(0)}, lambda c: setattr(c, "x", decimal.Decimal("0.10"))),
    "path": (lambda: {"x": Path()}, lambda c: setattr(c, "x", Path("a/b"))),
    "enum": (lambda: {"x": Phase.WARM}, lambda c: setattr(c, "x", Phase.HOT)),
    "named tuple": (lambda: {"x": Pair(0, 1)}, lambda c: setattr(c, "x", Pair(2, [3]))),
    "object": (lambda: {"x": Record(0)}, lambda c: (c.x.seen.add(7), setattr(c.x, "epoch", 3))),
    "new objects": (lambda: {"x": []}, lambda c: c.x.append(Record(5, {1}))),
    "attribute that was not there": (dict, lambda c: setattr(c, "x", {1: {2: {3}}})),
    "float32": (lambda: {"x": 0.0}, lambda c: setattr(c, "x", np.float32(0.1))),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_callback_keeps_comes_back_exactly(kind: str) -> None:
    """The values and their types, in their order."""
    first, second = stopped_and_resumed(*CHANGES[kind])
    assert second.x == first.x
    assert kind == "set" or repr(second.x) == repr(first.x)
    assert type(second.x) is type(first.x)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">f8"),
        np.array([1j]),
        np.array(["a", "bc"]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(3),
        np.zeros((0, 2), np.float16),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_of_every_kind_come_back(array: Any) -> None:
    """With type and layout."""
    _, second = stopped_and_resumed(lambda: {"x": None}, lambda c: setattr(c, "x", array))
    assert second.x.dtype == array.dtype
    assert second.x.shape == array.shape
    assert second.x.flags.f_contiguous == array.flags.f_contiguous
    assert (second.x == array).all()


@pytest.mark.parametrize("make", [lambda: random.Random(3), lambda: np.random.default_rng(3), np.random.RandomState])
def test_random_generators_go_on_where_they_were(make: Any) -> None:
    """Whether they were there from the beginning or not."""
    for before in (lambda: {"x": make(), "draw": None}, lambda: {"draw": None}):
        first, second = stopped_and_resumed(before, lambda c: (setattr(c, "x", getattr(c, "x", make())), draw(c.x)))
        assert draw(first.x) == draw(second.x)


def draw(generator: Any) -> list[float]:
    return [generator.random() for _ in range(3)]


def test_what_is_shared_stays_shared_and_others_see_it() -> None:
    """Two attributes of one list, a list in itself, and a list that belongs to the caller, too."""
    theirs: list[int] = []

    def change(callback: Any) -> None:
        callback.b = callback.a
        callback.a.append(callback.a)
        callback.theirs.append(1)

    first = Keeper(a=[], b=[], theirs=[])
    states = CallbackStates([first], [])
    change(first)
    state, arrays = states.get()
    second = Keeper(a=[], b=[], theirs=theirs)
    CallbackStates([second], []).set(state, arrays)
    assert second.a is second.b
    assert second.a[0] is second.a
    assert theirs == [1]


def test_two_callbacks_that_share_something_go_on_sharing_it() -> None:
    """And one that knows the other."""
    shared: dict[int, int] = {}
    first = [Keeper(x=shared), Keeper(x=shared)]
    first[0].other = first[1]
    states = CallbackStates(first, [])
    shared[1] = 2
    state, arrays = states.get()
    other: dict[int, int] = {}
    second = [Keeper(x=other), Keeper(x=other)]
    CallbackStates(second, []).set(state, arrays)
    assert second[0].x is second[1].x is other
    assert other == {1: 2}
    assert second[0].other is second[1]


def test_slots_class_attributes_and_closures_are_kept() -> None:
    """Wherever a callback of the user's own writes."""

    def make() -> tuple[Any, Any, list[int]]:
        class Counting(keras.callbacks.Callback):
            seen: list[int] = []  # noqa: RUF012
            calls = 0

        epochs: list[int] = []
        count = 0

        def hook(epoch: int, logs: Any = None) -> int:
            nonlocal count
            count += 1
            epochs.append(epoch)
            return count

        callback = Counting()
        callback.slotted = Slotted()
        return callback, keras.callbacks.LambdaCallback(on_epoch_end=hook), epochs

    (first, hooks, _), (second, other_hooks, epochs) = make(), make()
    states = CallbackStates([first, hooks], [])
    first.slotted.count = 4
    first.seen.append(5)
    type(first).calls += 6
    for epoch in range(3):
        hooks.on_epoch_end(epoch)
    state, arrays = states.get()
    CallbackStates([second, other_hooks], []).set(state, arrays)
    assert (second.slotted.count, second.seen, second.calls, epochs) == (4, [5], 6, [0, 1, 2])
    assert other_hooks.on_epoch_end(3) == 4


def test_variables_of_a_callbacks_own_are_kept() -> None:
    """Those of a metric and of a model beside the one that is trained."""

    def make() -> Any:
        return {"metric": keras.metrics.Mean(), "variable": keras.Variable([1.0, 2.0])}

    first, second = stopped_and_resumed(make, lambda c: (c.metric.update_state(3.0), c.variable.assign([5.0, 6.0])))
    assert float(second.metric.result()) == float(first.metric.result()) == 3.0
    assert np.asarray(second.variable).tolist() == [5.0, 6.0]


def test_tensors_are_kept() -> None:
    """As what Keras' operations return."""
    first, second = stopped_and_resumed(dict, lambda c: setattr(c, "x", keras.ops.convert_to_tensor([1.5, 2.5])))
    assert type(second.x) is type(first.x)
    assert np.asarray(second.x).tolist() == [1.5, 2.5]


class CountingQueue:
    """An object that no attribute describes: it is made in C."""

    def __init__(self) -> None:
        self.numbers = itertools.count()


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"numbers": itertools.count()}, r"callbacks\[0\] \(Keeper\) keeps a count in its attribute numbers, which a"),
        ({"stream": (i for i in range(3))}, "a generator in its attribute stream"),
        ({"items": iter([1, 2])}, "a list_iterator in its attribute items"),
        ({"deep": {"a": [CountingQueue()]}}, r"a count in its attribute deep\['a'\]\[0\]\.numbers"),
        ({"things": np.array([object()], object)}, "a ndarray in its attribute things"),
        ({"masked": np.ma.array([1.0], mask=[True])}, "a MaskedArray in its attribute masked"),
        ({"view": memoryview(b"abc")}, "a memoryview in its attribute view"),
    ],
)
def test_what_cannot_be_kept_is_named_at_the_start(kept: dict[str, Any], message: str) -> None:
    """Callback, kind and attribute."""
    with pytest.raises(SettingError, match=message):
        CallbackStates([Keeper(**kept)], [])


def test_a_table_that_cannot_be_kept_is_named() -> None:
    """Whatever library it is of."""
    pd = pytest.importorskip("pandas")
    with pytest.raises(SettingError, match="in its attribute table"):
        CallbackStates([Keeper(table=pd.DataFrame({"a": [1]}))], [])


def test_what_belongs_to_the_process_is_left_alone(tmp_path: Path) -> None:
    """Files, locks, loggers, functions and models stay those of the process, before and after."""
    sentinel = object()

    def make() -> dict[str, Any]:
        return {
            "lock": threading.Lock(),
            "logger": logging.getLogger("x"),
            "function": len,
            "partial": functools.partial(max, 1),
            "pattern": re.compile("a"),
            "event": threading.Event(),
            "sentinel": sentinel,
            "kinds": {int: "a"},
            "file": None,
            "count": 0,
        }

    with open(tmp_path / "log", "w", encoding="utf-8") as file:
        first, second = stopped_and_resumed(make, lambda c: vars(c).update(count=2, file=file))
    assert second.count == 2
    assert second.file is None
    assert second.lock is not first.lock
    assert second.kinds == {int: "a"}


class Tuned(keras.callbacks.Callback):
    """A callback with settings of many kinds."""

    def __init__(self, factor: float = 0.5, function: Any = None, table: Any = None) -> None:
        super().__init__()
        self.factor, self._function, self.weights = factor, function, table
        self.doubled = factor * 2


def linear(x: float, slope: float = 1.0) -> float:
    return slope * x


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        (lambda: Tuned(0.5), lambda: Tuned(0.25), "[0].factor"),
        (lambda: Tuned(0.5), lambda: Tuned(0.25), "[0].doubled"),
        (lambda: Tuned(function=abs), lambda: Tuned(function=len), "[0]._function"),
        (lambda: Tuned(table={1: 0.5}), lambda: Tuned(table={1: 0.25}), "[0].weights"),
        (lambda: Tuned(table=np.ones(3)), lambda: Tuned(table=np.zeros(3)), "[0].weights"),
        (
            lambda: Tuned(function=functools.partial(linear, slope=2.0)),
            lambda: Tuned(function=functools.partial(linear, slope=3.0)),
            "[0]._function",
        ),
        (
            lambda: keras.callbacks.ReduceLROnPlateau(factor=0.5),
            lambda: keras.callbacks.ReduceLROnPlateau(factor=0.25),
            "[0].factor",
        ),
        (
            lambda: keras.callbacks.EarlyStopping(min_delta=0.5),
            lambda: keras.callbacks.EarlyStopping(min_delta=0.25),
            "[0].min_delta",
        ),
        (
            lambda: keras.callbacks.LearningRateScheduler(lambda epoch: 0.5),
            lambda: keras.callbacks.LearningRateScheduler(lambda epoch: 0.25),
            "[0].schedule",
        ),
        (
            lambda: keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: 0.5),
            lambda: keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: 0.25),
            "[0].on_epoch_end",
        ),
    ],
)
def test_a_changed_setting_of_a_callback_is_described_otherwise(one: Any, other: Any, name: str) -> None:
    """And the same setting alike, in an object of its own."""
    first, again, second = (describe_callbacks([make()]) for make in (one, one, other))
    assert first == again
    assert first[name] != second[name]


def test_a_callback_that_a_run_has_changed_keeps_its_first_description() -> None:
    """Unless somebody else changes it."""
    callback = Tuned(0.5)
    first = describe_callbacks([callback])
    callback.factor = 0.1  # as the callback itself might
    note_callbacks([callback])
    assert describe_callbacks([callback]) == first
    callback.factor = 0.2
    assert describe_callbacks([callback]) != first
