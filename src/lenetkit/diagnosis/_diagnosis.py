"""Comparison of images with the training images, and the object that holds its result.

In: images, a fitted pipeline and a reference. Out: a :class:`Diagnosis`.
"""

import copy
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit._utils.extras import require_library
from lenetkit._utils.printable import printable, printable_lines
from lenetkit.diagnosis._findings import Finding, find_on_border, iter_findings
from lenetkit.diagnosis._pictures import FittedPipeline, PreparedImage, prepare
from lenetkit.diagnosis._reference import check_reference, describe_images
from lenetkit.exceptions import DataError, LenetkitError, SettingError
from lenetkit.transforms import Compose

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Diagnosis", "diagnose", "named_steps"]

# So many images are printed one by one; the summary above them counts all.
_MOST_SHOWN = 20

# By what the message of an error says; the first that fits.
_DARK = r"\bis nearly black: "
_CURES = {
    _DARK: "bring the pixels to 0..255 (uint8) or 0..1 (float): multiply by 255; they may have been divided twice",
    r"holds -?(nan|inf)\b": "look for a division by zero or missing values where the pixels come from",
    r"^there is no file": "check the path",
    r"channels here": "pass grey images or red, green and blue, the channels last",
    r"must be uint8|must lie in 0\.\.1": "pass uint8 in 0..255, or float in 0..1",
    r"": "open it in a picture editor, and save what it shows as PNG",
}


@attrs.frozen(kw_only=True)
class Diagnosis:
    """Differences of images from those the model was trained on; made by :func:`diagnose`.

    Printed, it tells how often each problem occurs, and then of each image the causes and their cures.

    Parameters
    ----------
    names : tuple of str
        Names of the images: their paths, or ``images[0]`` and so on.
    findings : tuple of Finding
        In the order of the images.

    Examples
    --------
    >>> from lenetkit.diagnosis import Diagnosis, Finding
    >>> finding = Finding(image=0, problem="blank", cause="the picture is blank", cure="look at it")
    >>> print(Diagnosis(names=("a.png", "b.png"), findings=(finding,)))
    1 of 2 images differs from what the model was trained on: blank (1)
    <BLANKLINE>
    a.png
      blank: the picture is blank
        -> look at it
    """

    names: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True if nothing was found."""
        return not self.findings

    @property
    def problems(self) -> dict[str, int]:
        """Number of images by problem, most frequent first."""
        return dict(Counter(finding.problem for finding in self.findings).most_common())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: ``n``, ``ok``, ``problems`` and ``findings``, each with its image's name."""
        findings = [{"name": self.names[finding.image], **finding.to_dict()} for finding in self.findings]
        return {"n": len(self.names), "ok": self.ok, "problems": self.problems, "findings": findings}

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with one row for each finding.

        Columns: ``image`` (position), ``name``, ``problem``, ``cause``, ``cure``, ``measured``, ``low`` and ``high``
        (what the training images have; NaN where nothing was measured).
        """
        require_library("the table of a diagnosis", "pandas")
        import pandas as pd

        rows = [
            (found.image, self.names[found.image], found.problem, found.cause, found.cure, found.measured)
            + (found.expected or (np.nan, np.nan))
            for found in self.findings
        ]
        columns = ["image", "name", "problem", "cause", "cure", "measured", "low", "high"]
        return pd.DataFrame(rows, columns=columns).astype({"measured": float})

    def __str__(self) -> str:
        images = list(dict.fromkeys(finding.image for finding in self.findings))
        total, different = len(self.names), len(images)
        if not different:
            return (
                f"{'the image looks' if total == 1 else f'all {total} images look'} like what the model was trained on."
            )
        counts = ", ".join(f"{problem} ({count})" for problem, count in self.problems.items())
        of = f"{different} of {total} {'image' if total == 1 else 'images'} {'differs' if different == 1 else 'differ'}"
        lines = [f"{of} from what the model was trained on: {counts}"]
        for image in images[:_MOST_SHOWN]:
            own = [
                textwrap.indent(printable_lines(finding), "  ") for finding in self.findings if finding.image == image
            ]
            lines += ["", printable(self.names[image]), *own]
        if different > _MOST_SHOWN:
            lines += ["", f"... and {different - _MOST_SHOWN} more; to_frame() has them all."]
        return "\n".join(lines)


def diagnose(
    images: Any,
    pipeline: FittedPipeline,
    *,
    reference: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
) -> Diagnosis:
    """Compare images with those that a model was trained on, and name differences, causes and cures.

    The images are compared after the pipeline's transforms, as the model sees them; lines and inverted bands along the
    border are looked for in the image as it came. An image that cannot be read or prepared is a finding as well, and
    stops none of the others.

    Parameters
    ----------
    images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
        As for the pipeline's ``predict``.
    pipeline : Pipeline
        Fitted.
    reference : mapping, optional
        Made of training images by :func:`compute_reference`; by default the one that the pipeline keeps.
    n_jobs : int, optional
        Number of threads in which images are read and prepared. None: one for each core, up to 8; one where a
        transform is not of this package.

    Returns
    -------
    Diagnosis
        One finding for each problem of each image; ``ok`` where there is none.

    Raises
    ------
    NotFittedError
        If the pipeline is not fitted.
    DataError
        If `images` are no images at all, or `reference` is not what :func:`compute_reference` returns.
    SettingError
        If there is no reference, or `n_jobs` is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit import Pipeline, Trainer, load_dataset
    >>> from lenetkit.diagnosis import compute_reference, diagnose
    >>> from lenetkit.transforms import Resize
    >>> digits = load_dataset("digits")[:200]
    >>> pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(digits.images, digits.labels)
    >>> reference = compute_reference(Resize((28, 28))(digits.images))
    >>> print(diagnose(255 - digits.images[:1], pipe, reference=reference))
    1 of 1 image differs from what the model was trained on: polarity (1)
    <BLANKLINE>
    images[0]
      polarity: the ink is dark on light; the model was trained on light on dark
        -> add Invert()
    """
    pipeline = copy.copy(pipeline)  # one model, whatever other threads fit the pipeline to
    transforms = pipeline.transforms_
    if reference is None:
        reference = getattr(pipeline, "reference_", None)
    if reference is None:
        raise SettingError(
            "this pipeline does not say what its training images look like, so nothing can be compared with them. Fit "
            "and save it again with this version of lenetkit, or pass reference=compute_reference(training images "
            "after the transforms)."
        )
    check_reference(reference)
    head, _ = transforms.split_affine()
    names, prepared = prepare(images, head, n_jobs)
    shape = tuple(reference["shape"])
    found = [
        finding
        for index, (name, image) in enumerate(zip(names, prepared, strict=True))
        for finding in _misfits(index, name, image, shape)
    ]
    steps = frozenset(name for name, _ in named_steps(transforms))
    misfits = {finding.image for finding in found}
    indices = np.array([index for index in range(len(prepared)) if index not in misfits], np.int64)
    if indices.size:
        batch = np.stack(
            [np.reshape(prepared[index].pixels, _essential(tuple(reference["shape"]))) for index in indices]
        )
        found += iter_findings(describe_images(batch), indices, prepared, reference, steps)
    found += find_on_border(prepared, steps)
    # The sort is stable: within an image the order stays.
    return Diagnosis(names=names, findings=tuple(sorted(found, key=lambda finding: finding.image)))


def named_steps(transforms: Compose) -> Iterator[tuple[str, Any]]:
    """Give all steps, those of nested Composes included, each with the name of its class or function."""
    for step in transforms.steps:
        if isinstance(step, Compose):
            yield from named_steps(step)
        else:
            yield getattr(step, "__name__", type(step).__name__), step


def _misfits(index: int, name: str, image: PreparedImage, expected: tuple[int, ...]) -> list[Finding]:
    """Return the error or the shape that keeps an image from being compared at all."""
    pixels = image.pixels
    if not isinstance(pixels, Exception) and (pixels.dtype.kind not in "uf" or not np.isfinite(pixels).all()):
        found = "nan or inf" if pixels.dtype.kind == "f" else f"{pixels.dtype}"
        pixels = DataError(f"after the transforms the image holds {found}; it must hold finite uint8 or float.")
    if isinstance(pixels, Exception):
        return [_unreadable(index, pixels, name)]
    shape = pixels.shape
    if _essential(shape) == _essential(expected):
        return []
    if shape[:2] != expected[:2]:
        cure = f"add Resize({expected[:2]})"
    elif len(_essential(shape)) > len(_essential(expected)):
        cure = "put Grayscale() before the other transforms"
    else:
        cure = f"pass images of {expected[2]} channels"
    cause = f"after the transforms the image has the shape {shape}; the model was trained on {expected}"
    return [Finding(image=index, problem="shape", cause=cause, cure=cure)]


def _unreadable(index: int, error: Exception, name: str) -> Finding:
    cause = str(error).strip().replace("images[0]", name)
    cure = next(cure for pattern, cure in _CURES.items() if re.search(pattern, cause))
    if not isinstance(error, DataError):
        # From somebody's own transform: the kind of error is part of the message.
        kind = "" if isinstance(error, LenetkitError) else f"{type(error).__name__}: "
        cause, cure = (
            f"a transform stopped at it: {kind}{cause}",
            "look at that transform; the trace shows how far it came",
        )
    problem = "range" if re.search(_DARK, cause) else "unreadable"
    return Finding(image=index, problem=problem, cause=cause, cure=cure)


def _essential(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:2] if len(shape) == 3 and shape[2] == 1 else shape
