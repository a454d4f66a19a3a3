"""What notebooks show in place of ``repr``: small HTML, escaped, drawn without matplotlib.

In: the objects, known by what they offer. Out: HTML that inherits the notebook's colours, light or dark.
"""

import base64
import io
import sys
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = [
    "dataset_html",
    "evaluation_html",
    "in_a_notebook",
    "pipeline_html",
    "progress_html",
    "reading_html",
    "training_html",
]

_MOST_CLASSES = 20
_MOST_EPOCHS = 10
_MOST_STEPS = 12
_LARGEST_THUMBNAIL, _LARGEST_PICTURE = 32, 480

_BOX = "display:inline-block;border:1px solid rgba(128,128,128,.5);border-radius:6px;padding:4px 10px;margin:2px 0"
_LINES = "margin:0;background:none;font-family:monospace;font-size:inherit"
_FAINT = "opacity:.7;font-size:90%"


def in_a_notebook() -> bool:
    """Tell whether what is displayed here may be HTML; what was never imported does not run here."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def dataset_html(dataset: Any) -> str:
    """Return a data set's size, the first image of each class, and how many of each there are."""
    import numpy as np

    words = dataset.labels.dtype.kind == "U"
    values, first, counts = np.unique(dataset.labels, return_index=True, return_counts=True)
    found = {
        str(value) if words else dataset.class_names[int(value)]: (int(row), int(count))
        for value, row, count in zip(values, first, counts, strict=True)
    }
    names = list(dataset.class_names)
    shown = names[:_MOST_CLASSES]
    pictures = [_thumbnail(dataset.images[found[name][0]]) if name in found else "" for name in shown]
    rows = [["", *pictures], ["images", *(f"{found.get(name, (0, 0))[1]:,}" for name in shown)]]
    more = "" if len(shown) == len(names) else f"<div style='{_FAINT}'>and {len(names) - len(shown)} more classes</div>"
    return _card(_heading(repr(dataset)) + _table(["class", *map(_text, shown)], rows) + more)


def evaluation_html(evaluation: Any) -> str:
    """Return the accuracy, the figures of each class and the most confused pairs."""
    table = evaluation.per_class
    rows = [
        [_text(name), *(f"{row[column]:.4f}" for column in ("precision", "recall", "f1")), f"{int(row['support']):,}"]
        for name, row in table.head(_MOST_CLASSES).iterrows()
    ]
    pairs = [
        f"{true} read as {predicted} ({count}x)"
        for true, predicted, count, _ in evaluation.most_confused(5).itertuples(index=False)
    ]
    figures = f"{evaluation.n_errors:,} of {evaluation.n:,} wrong, cross-entropy {evaluation.cross_entropy:.4f}, " + (
        f"calibration error {100 * evaluation.calibration_error:.2f} %"
    )
    return _card(
        _heading(evaluation.summary_line)
        + _note(figures)
        + _table(["class", *map(_text, table.columns)], rows)
        + _note(f"most confused: {', '.join(pairs)}" if pairs else "nothing confused")
    )


def training_html(result: Any) -> str:
    """Return what a training run cost and its last epochs."""
    history = result.history.tail(_MOST_EPOCHS)
    rows = [[str(epoch), *map(_number, row)] for epoch, row in zip(history.index, history.to_numpy(), strict=True)]
    left_out = len(result.history) - len(history)
    note = _note(f"the first {left_out} epochs are left out") if left_out else ""
    return _card(_heading(str(result)) + _table(["epoch", *map(_text, history.columns)], rows) + note)


def progress_html(lines: Sequence[str], left_out: int, bar: tuple[str, float, str] | None) -> str:
    """Return lines of a running training and, below them, a bar: what stands before it, the share done, what after."""
    shown = [f"({left_out} more epochs)"] * bool(left_out) + list(lines)
    text = "\n".join(map(_text, shown))
    html = (
        f"<pre style='margin:0;background:none;font-family:monospace;font-size:inherit'>{text}</pre>" if shown else ""
    )
    if bar is not None:
        before, done, after = bar
        style = "width:16em;vertical-align:middle;margin:0 .6em"
        html += (
            f"<div style='white-space:nowrap'>{_text(before)}<progress max='1' value='{done:.4f}' style='{style}'>"
            f"</progress>{_text(after)}</div>"
        )
    return _card(html)


def pipeline_html(pipeline: Any) -> str:
    """Return a drawing of a pipeline's steps."""
    fitted = pipeline._fitted is not None
    if fitted:
        steps: Sequence[Any] = pipeline.transforms_.steps
        classes = pipeline.classes_.tolist()
        named = ", ".join(map(str, classes[:_MOST_CLASSES])) + (", ..." if len(classes) > _MOST_CLASSES else "")
        end = ("answer", f"{len(classes)} classes: {named}")
    else:
        given = pipeline.transforms
        steps = list(getattr(given, "steps", given if isinstance(given, (list, tuple)) else [given]))
        end = ("answer", "not fitted yet")
    boxes = [("images", "arrays, files, pictures")]
    boxes += [_transform(step) for step in steps[:_MOST_STEPS]]
    boxes += [("...", f"{len(steps) - _MOST_STEPS} more steps")] if len(steps) > _MOST_STEPS else []
    options = ", ".join(f"{name}={value!r}" for name, value in (pipeline.model_options or {}).items())
    model = pipeline.model if isinstance(pipeline.model, str) else getattr(pipeline.model, "name", "a model")
    boxes += [(str(model), options or "the model"), end]
    drawn = "<span style='padding:0 6px'>&rarr;</span>".join(
        f"<span style='{_BOX}'><b>{_text(name)}</b><br><span style='{_FAINT}'>{_text(note)}</span></span>"
        for name, note in boxes
    )
    return _card(_heading(f"Pipeline, {'fitted' if fitted else 'not fitted'}") + f"<div>{drawn}</div>")


def reading_html(reading: Any) -> str:
    """Return a picture with a box around each digit, and the text."""
    height, width = reading.image.shape[:2]
    scale = min(1.0, _LARGEST_PICTURE / max(height, width))
    size = max(height, width) / 22
    marks = "".join(
        f"<rect x='{left}' y='{top}' width='{right - left}' height='{bottom - top}' fill='none' stroke='#0072B2' "
        f"stroke-width='{size / 9:.2f}'/><text x='{(left + right) / 2}' y='{max(top - size / 6, size):.1f}' "
        f"fill='#0072B2' font-size='{size:.1f}' font-weight='bold' text-anchor='middle'>{_text(digit.label)}</text>"
        for digit in reading.digits
        for left, top, right, bottom in [digit.box]
    )
    picture = (
        f"<svg viewBox='0 0 {width} {height}' width='{width * scale:.0f}' style='max-width:100%;height:auto'>"
        f"<image href='{_uri(reading.image, _LARGEST_PICTURE)}' width='{width}' height='{height}'/>{marks}</svg>"
    )
    lines = "<br>".join(map(_text, reading.lines)) or "<i>no number</i>"
    return _card(f"<div style='font-size:140%;font-weight:600'>{lines}</div>{picture}")


def _transform(step: Any) -> tuple[str, str]:
    """Return a transform's name and settings."""
    if step is None:
        return "default transforms", "grey, the model's size, 0..1"
    name, _, settings = repr(step).partition("(")
    return (name, settings[:-1] or "transform") if settings.endswith(")") else (type(step).__name__, "transform")


def _card(content: str) -> str:
    return f"<div style='overflow-x:auto;line-height:1.4'>{content}</div>"


def _heading(text: str) -> str:
    return f"<div style='font-weight:600;margin-bottom:4px'>{_text(text)}</div>"


def _note(text: str) -> str:
    return f"<div style='{_FAINT}'>{_text(text)}</div>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    return escape(str(value))


def _number(value: Any) -> str:
    return "-" if value != value else f"{value:.4g}"


def _thumbnail(image: Any) -> str:
    # As a style: notebooks' own styles set the height of pictures, too.
    style = f"height:{_LARGEST_THUMBNAIL}px;width:auto;max-width:none;image-rendering:pixelated"
    return f"<img src='{_uri(image, _LARGEST_THUMBNAIL)}' style='{style}' alt=''>"


def _uri(image: Any, largest: int) -> str:
    """Return uint8 pixels as a small PNG in a data URI."""
    import numpy as np
    import PIL.Image

    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    elif pixels.ndim == 3 and pixels.shape[2] == 2:
        pixels = pixels[..., 0]  # grey with opacity: the grey is what can be shown anywhere
    step = -(-max(pixels.shape[:2]) // (8 * largest))
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    if max(picture.size) > largest:
        picture.thumbnail((largest, largest), PIL.Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
