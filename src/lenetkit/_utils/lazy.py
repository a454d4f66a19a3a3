"""Attributes that are computed when they are first asked for. Standard library only."""

import functools
from typing import Any, Self, TypeVar, overload

__all__ = ["lazy"]

Value = TypeVar("Value")


class lazy(functools.cached_property[Value]):  # noqa: N801 -- a decorator, as property is
    """``functools.cached_property`` without a lock.

    Before Python 3.12 that holds one lock for all instances of a class while a value is computed: threads wait for each
    other's, and a process that was forked meanwhile waits for ever. Here two threads may compute the same value; both
    get the one that was ready first.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Value: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Self | Value:
        if instance is None:
            return self
        value: Value = instance.__dict__.setdefault(str(self.attrname), self.func(instance))
        return value
