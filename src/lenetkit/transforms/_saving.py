"""Transforms as plain JSON values, and back. Nothing is imported by a path that stands in the data."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import cattrs

from lenetkit.exceptions import LenetkitError, SettingError
from lenetkit.transforms._base import FittableTransform, Transform, name_of, transform_class

__all__ = ["transform_from_dict", "transform_to_dict"]

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
    described: dict[str, Any] = {"name": name_of(transform)}
    try:
        described["settings"] = _converter.unstructure(transform)
        if isinstance(transform, FittableTransform) and (learnt := transform.get_state()) is not None:
            described["learnt"] = learnt
        plain: dict[str, Any] = json.loads(json.dumps(described, allow_nan=False))
    except LenetkitError:
        raise
    except Exception as error:
        raise SettingError(f"{transform!r} cannot be saved as plain JSON values: {error}.") from error
    return plain


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
    name, settings, learnt = _parts(described)
    transform = _structure(name, settings)
    if learnt is not None:
        if not isinstance(transform, FittableTransform):
            raise SettingError(f"the transform {name!r} learns nothing; got 'learnt': {learnt!r}.")
        transform.set_state(learnt)
    return transform


def _parts(described: Any) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    if not isinstance(described, Mapping) or not isinstance(described.get("name"), str):
        raise SettingError(f"a saved transform must be a dict with its 'name' and 'settings'; got {described!r}.")
    unknown = [key for key in described if key not in _KEYS]
    settings, learnt = described.get("settings", {}), described.get("learnt")
    if unknown or not isinstance(settings, dict) or not isinstance(learnt, dict | None):
        raise SettingError(
            f"a saved transform must have a name and the dicts 'settings' and 'learnt', and nothing else; "
            f"got {described!r}."
        )
    return described["name"], settings, learnt


def _structure(name: str, settings: dict[str, Any]) -> Any:
    try:
        return _converter.structure(settings, transform_class(name))
    except LenetkitError:
        raise
    except Exception as error:
        for leaf in _leaves(error):
            # It says all there is to say: a setting refused by its class, an unknown name inside a Compose.
            if isinstance(leaf, LenetkitError):
                raise leaf from error
        reasons = "; ".join(cattrs.transform_error(error, path=name, format_exception=_reason))
        raise SettingError(f"the settings of the transform {name!r} are not what it expects: {reasons}.") from error


class _WrongValueError(ValueError):
    """A value of a type that cattrs would have converted."""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _reason(error: BaseException, expected: type[Any] | None) -> str:
    return str(error) if isinstance(error, _WrongValueError) else cattrs.v.format_exception(error, expected)


def _exactly(kind: type[Any]) -> Any:
    # cattrs would turn "3" into 3 and 0.5 into 0.
    def structure(value: Any, _: type[Any]) -> Any:
        if type(value) is not kind:
            raise _WrongValueError(f"expected {kind.__name__}, got {value!r}")
        return value

    return structure


def _number(value: Any, _: type[Any]) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise _WrongValueError(f"expected a finite number, got {value!r}")
    return float(value)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    # cattrs would take the letters of a str and the keys of a dict.
    if not isinstance(value, list):
        raise _WrongValueError(f"expected a list, got {value!r}")
    members = get_args(kind)
    if members[-1] is Ellipsis:
        members = members[:1] * len(value)
    if len(value) != len(members):
        raise _WrongValueError(f"expected {len(members)} values, got {value!r}")
    return tuple(_converter.structure(item, member) for item, member in zip(value, members, strict=True))


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (bool, int, str):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_func(_is_tuple, _tuple)
    converter.register_structure_hook_func(lambda kind: kind is Transform, lambda value, _: transform_from_dict(value))
    converter.register_unstructure_hook_func(lambda kind: kind is Transform, transform_to_dict)
    return converter


_converter = _make_converter()
