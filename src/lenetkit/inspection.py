"""Forwarder: feature maps are in :mod:`lenetkit.diagnosis`."""

from lenetkit._utils.deprecation import forward

__all__: list[str] = []

__getattr__ = forward(__name__, {name: f"lenetkit.diagnosis.{name}" for name in ("FeatureMaps", "feature_maps")})
