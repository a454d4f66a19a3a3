"""Views of a pipeline: its steps as boxes in a notebook, its steps and layers as text."""

from typing import Any

from lenetkit._utils.html import FAINT, card, heading, text
from lenetkit.pipeline._fitted import FittedState
from lenetkit.pipeline._fitting import create_transforms, get_input_shape

__all__ = ["draw_steps", "print_summary"]

_MOST_CLASSES = 20
_MOST_STEPS = 12
_BOX = "display:inline-block;border:1px solid rgba(128,128,128,.5);border-radius:6px;padding:4px 10px;margin:2px 0"


def draw_steps(settings: Any, fitted: FittedState | None) -> str:
    """Return a pipeline's steps as HTML."""
    if fitted is not None:
        steps: list[Any] = list(fitted.transforms.steps)
        classes = fitted.classes.tolist()
        named = ", ".join(map(str, classes[:_MOST_CLASSES])) + (", ..." if len(classes) > _MOST_CLASSES else "")
        end = ("answer", f"{len(classes)} classes: {named}")
    else:
        given = settings.transforms
        steps = list(getattr(given, "steps", given if isinstance(given, (list, tuple)) else [given]))
        end = ("answer", "not fitted yet")
    boxes = [("images", "arrays, files, pictures"), *map(_describe, steps[:_MOST_STEPS])]
    boxes += [("...", f"{len(steps) - _MOST_STEPS} more steps")] if len(steps) > _MOST_STEPS else []
    options = ", ".join(f"{name}={value!r}" for name, value in (settings.model_options or {}).items())
    model = settings.model if isinstance(settings.model, str) else getattr(settings.model, "name", "a model")
    boxes += [(str(model), options or "the model"), end]
    drawn = "<span style='padding:0 6px'>&rarr;</span>".join(
        f"<span style='{_BOX}'><b>{text(name)}</b><br><span style='{FAINT}'>{text(said)}</span></span>"
        for name, said in boxes
    )
    return card(heading(f"Pipeline, {'not fitted' if fitted is None else 'fitted'}") + f"<div>{drawn}</div>")


def print_summary(settings: Any, fitted: FittedState | None) -> None:
    """Print a pipeline's steps and the layers of its model, or of the model that would be trained."""
    transforms = create_transforms(settings.model, settings.transforms) if fitted is None else fitted.transforms
    if fitted is not None:
        model = fitted.model
    elif not isinstance(settings.model, str):
        model = settings.model
    else:
        from lenetkit.models import create_model

        shape = get_input_shape(settings.model)
        model = create_model(settings.model, input_shape=shape, seed=0, **(settings.model_options or {}))
    print("transforms:", *transforms.steps, sep="\n  ")  # noqa: T201
    model.summary()


def _describe(step: Any) -> tuple[str, str]:
    """Return a transform's name and settings."""
    if step is None:
        return "default transforms", "grey, the model's size, 0..1"
    name, _, settings = repr(step).partition("(")
    return (name, settings[:-1] or "transform") if settings.endswith(")") else (type(step).__name__, "transform")
