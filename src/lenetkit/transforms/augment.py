"""Forwarder: the augmentations are in :mod:`lenetkit.augment`."""

from lenetkit._utils.deprecation import forward

__all__: list[str] = []

__getattr__ = forward(
    __name__, {name: f"lenetkit.augment.{name}" for name in ("Compose", "Erase", "Noise", "Shift", "Stroke", "Warp")}
)
