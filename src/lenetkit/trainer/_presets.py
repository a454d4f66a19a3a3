"""The trainer's presets: named settings for a purpose.

Each was chosen on the last 10,000 of MNIST's training images; ``benchmarks/recipes.py`` makes the page that shows what
was tried and what it gave.
"""

from typing import Any

from lenetkit._utils.names import did_you_mean
from lenetkit.augment import Warp
from lenetkit.exceptions import SettingError
from lenetkit.trainer._schedules import OneCycle

__all__ = ["preset_settings"]

# A run of at least so many epochs is long enough for stronger augmentation to pay (benchmarks/recipes.py).
_MANY_EPOCHS = 15


def preset_settings(name: str, epochs: float | None) -> dict[str, Any]:
    """Return the settings of a preset that are not the trainer's defaults, for a run of so many epochs, if known.

    Raises
    ------
    SettingError
        If there is no such preset; the message lists them.
    """
    muon = {"batch_size": 256, "optimizer": "muon", "label_smoothing": 0.1}
    if epochs is not None and epochs >= _MANY_EPOCHS:
        accurate = {
            "optimizer_options": {"weight_decay": 0.15},
            "learning_rate": OneCycle(0.02, warmup=0.1, shape="linear"),
            "augmentation": Warp(rotation=0.15, scale=0.1, shear=0.15, shift=1.5, elastic=0.6),
        }
    else:
        accurate = {
            "epochs": 5,
            "optimizer_options": {"weight_decay": 0.2},
            "learning_rate": OneCycle(0.025, shape="linear"),
            "augmentation": Warp(elastic=0.4),
        }
    presets: dict[str, dict[str, Any]] = {
        "default": {},
        "classic": {
            "learning_rate": 0.001,
            "optimizer_options": {},
            "augmentation": None,
            "label_smoothing": 0.0,
        },
        "fast": {
            "epochs": 0.35,
            "optimizer": "muon",
            "optimizer_options": {"weight_decay": 0.2, "momentum": 0.85, "newton_schulz_steps": 4},
            "learning_rate": OneCycle(0.06, warmup=0.1, shape="linear"),
            "label_smoothing": 0.15,
        },
        "accurate": muon | accurate,
    }
    if name not in presets:
        raise SettingError(f"there is no preset {name!r}.{did_you_mean(name, presets)} Presets: {', '.join(presets)}.")
    return presets[name]
