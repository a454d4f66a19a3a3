"""Transforms as plain JSON values, and back. Nothing is imported by a path that stands in the data."""

import contextlib
import enum
import json
import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

import attrs
import numpy as np

from lenetkit._utils.deprecation import warn_renamed
from lenetkit.exceptions import LenetkitError, SettingError
from lenetkit.transforms._base import FittableTransform, Transform, get_name, transform_class

__all__ = ["describe_transform", "transform_from_dict", "transform_to_dict"]

_KEYS = ("name", "settings", "learnt")


def transform_to_dict(transform: Transform) -> dict[str, Any]:
    """Describe a transform in plain JSON values.

    Parameters
    ----------
    transform : Transform
        One whose class is registered.

    Returns
    -------
    dict
        ``name`` (str), ``settings`` (dict) and, once it is fitted, ``learnt`` (dict) of a transform that learns.

    Raises
    ------
    SettingError
        If the class has no registered name, or a setting has no plain JSON form.

    Examples
    --------
    >>> from lenetkit.transforms import Resize, transform_from_dict, transform_to_dict
    >>> transform_to_dict(Resize((32, 32)))
    {'name': 'resize', 'settings': {'size': [32, 32], 'background': None}}
    >>> transform_from_dict(transform_to_dict(Resize((32, 32))))
    Resize(size=(32, 32), background=None)
    """
    described: dict[str, Any] = {"name": get_name(transform)}
    try:
        instance: Any = transform
        described["settings"] = attrs.asdict(
            instance, filter=lambda field, _: bool(field.init), value_serializer=_to_plain
        )
        state = _state_methods(transform)
        if state is not None and (state_values := state[0]()) is not None:
            described["learnt"] = state_values
        plain: dict[str, Any] = json.loads(json.dumps(described, allow_nan=False))
    except LenetkitError:
        raise
    except Exception as error:
        raise SettingError(f"{transform!r} cannot be saved as plain JSON values: {error}.") from error
    return plain


def describe_transform(transform: Transform) -> dict[str, Any]:
    """Describe a transform for those who write it again in another language.

    Parameters
    ----------
    transform : Transform
        One whose class is registered.

    Returns
    -------
    dict
        That of :func:`transform_to_dict`, and ``steps``: a list of sentences, or of dictionaries of plain JSON values,
        as the transform's own method ``describe_steps()`` gives them; of one that has none the first line of its
        docstring.

    Raises
    ------
    SettingError
        As for :func:`transform_to_dict`, or if that method fails or gives other values.

    Examples
    --------
    >>> from lenetkit.transforms import Invert, describe_transform
    >>> describe_transform(Invert())
    {'name': 'invert', 'settings': {}, 'steps': ['out = 255 - in, of levels from 0 to 255']}
    """
    described = transform_to_dict(transform)
    describe = getattr(transform, "describe_steps", None)
    if describe is None:
        first_line = (type(transform).__doc__ or "").strip().partition("\n")[0]
        described["steps"] = [first_line] if first_line else []
        return described
    try:
        described["steps"] = json.loads(json.dumps(list(describe()), allow_nan=False))
    except Exception as error:
        raise SettingError(
            f"{transform!r} cannot be described: its method describe_steps() must return a list of plain JSON values; "
            f"{type(error).__name__}: {error}."
        ) from error
    return described


def transform_from_dict(described: Mapping[str, Any]) -> Any:
    """Create the transform that :func:`transform_to_dict` described.

    Parameters
    ----------
    described : mapping
        ``name``, and optionally ``settings`` and ``learnt``. Settings that are left out have their defaults.

    Returns
    -------
    Transform
        The transform, fitted where it had been.

    Raises
    ------
    SettingError
        If there are other keys, unknown settings, values of a wrong type, or invalid values.
    UnknownNameError
        If no transform has this name.
    PluginError
        If a plug-in announces the name and cannot be imported.

    Examples
    --------
    >>> from lenetkit.transforms import transform_from_dict
    >>> transform_from_dict({"name": "resize", "settings": {"size": [32, 32]}})
    Resize(size=(32, 32), background=None)
    """
    name, settings, state_values = _parts(described)
    try:
        transform = _from_settings(transform_class(name), settings, name)
    except LenetkitError:
        raise
    except Exception as error:
        raise SettingError(f"the settings of the transform {name!r} are not what it expects: {error}.") from error
    if state_values is not None:
        state = _state_methods(transform)
        if state is None:
            raise SettingError(f"the transform {name!r} learns nothing; got 'learnt': {state_values!r}.")
        state[1](state_values)
    return transform


def _parts(described: Any) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    if not isinstance(described, Mapping) or not isinstance(described.get("name"), str):
        raise SettingError(f"a saved transform must be a dict with its 'name' and 'settings'; got {described!r}.")
    unknown = [key for key in described if key not in _KEYS]
    settings, state_values = described.get("settings", {}), described.get("learnt")
    if unknown or not isinstance(settings, dict) or not isinstance(state_values, dict | None):
        raise SettingError(
            f"a saved transform must have a name and the dicts 'settings' and 'learnt', and nothing else; "
            f"got {described!r}."
        )
    return described["name"], settings, state_values


def _state_methods(transform: Any) -> tuple[Callable[[], Any], Callable[[Any], None]] | None:
    """Return the methods that get and set what a transform's fitted state; None if it learns nothing."""
    if isinstance(transform, FittableTransform):
        return transform.get_state, transform.set_state
    if hasattr(transform, "learnt_to_dict") and hasattr(transform, "learnt_from_dict"):
        kind = type(transform).__qualname__
        warn_renamed(f"{kind}.learnt_to_dict with .learnt_from_dict", "get_state with set_state", stacklevel=3)
        return transform.learnt_to_dict, transform.learnt_from_dict
    return None


def _to_plain(instance: Any, field: Any, value: Any) -> Any:
    """Return a setting as plain values, for ``attrs.asdict``: transforms by their names."""
    if isinstance(value, (list, tuple)):
        return [_to_plain(instance, field, item) for item in value]
    if callable(value):
        return transform_to_dict(value)
    return value.item() if isinstance(value, np.generic) else getattr(value, "value", value)


class _WrongValueError(ValueError):
    """A value of another type than the setting's."""


def _from_settings(cls: type[Any], settings: dict[str, Any], where: str) -> Any:
    """Create an instance of an attrs class; the message says where each fault is."""
    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(cls)) if field.init}
    arguments: dict[str, Any] = {}
    reasons = []
    for name, value in settings.items():
        try:
            if name in fields:
                arguments[str(fields[name].alias)] = _from_plain(value, fields[name].type)
        except _WrongValueError as error:
            reasons.append(f"{error} @ {where}.{name}")
    if extra := settings.keys() - fields.keys():
        reasons.append(f"extra fields found ({', '.join(sorted(extra))}) @ {where}")
    if reasons:
        raise _WrongValueError("; ".join(reasons))
    return cls(**arguments)


def _from_plain(value: Any, kind: Any) -> Any:
    """Return a JSON value as its setting's annotation says. Only lists become tuples, and integers floats."""
    origin, members = get_origin(kind) or kind, get_args(kind)
    if origin in (None, Any, object) or (value is None and type(None) in members):
        return value
    if kind is Transform:
        return transform_from_dict(value)
    if origin in (Union, types.UnionType):
        *others, last = (member for member in members if member is not type(None))
        for member in others:
            with contextlib.suppress(_WrongValueError):
                return _from_plain(value, member)
        return _from_plain(value, last)
    if origin in (tuple, list):
        if not isinstance(value, list):
            raise _WrongValueError(f"expected a list, got {value!r}")
        if origin is list or not members or members[-1] is Ellipsis:
            members = (*members, Any)[:1] * len(value)
        if len(value) != len(members):
            raise _WrongValueError(f"expected {len(members)} values, got {value!r}")
        return origin(_from_plain(item, member) for item, member in zip(value, members, strict=True))
    if origin is dict:
        if not isinstance(value, dict):
            raise _WrongValueError(f"expected a dict, got {value!r}")
        return {key: _from_plain(item, (*members, Any, Any)[1]) for key, item in value.items()}
    if origin is float:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise _WrongValueError(f"expected a finite number, got {value!r}")
        return float(value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if isinstance(kind, type) and attrs.has(kind) and isinstance(value, dict):
        named = hasattr(kind, "__transform_name__") and "name" in value
        return transform_from_dict(value) if named else _from_settings(kind, value, kind.__name__)
    if value not in members if origin is Literal else type(value) is not kind:
        raise _WrongValueError(f"expected {getattr(kind, '__name__', kind)}, got {value!r}")
    return value
