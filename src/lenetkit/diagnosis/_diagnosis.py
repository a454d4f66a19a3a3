"""What is wrong with images, image by image: the comparison, and the object that holds its result."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit.diagnosis._findings import Finding, findings_of
from lenetkit.diagnosis._pictures import Array, FittedPipeline, Taken, take
from lenetkit.diagnosis._reference import check_reference, describe_images
from lenetkit.exceptions import DataError, LenetkitError, SettingError

if TYPE_CHECKING:
    import pandas as pd

    from lenetkit.transforms import Compose

__all__ = ["Diagnosis", "diagnose", "named_steps"]

# So many images are printed one by one; the summary above them counts all.
_MOST_SHOWN = 20

# By what the message of an error says; the first that fits.
_CURES = {
    r"holds -?(nan|inf)\b": "look for a division by zero or missing values where the pixels come from",
    r"^there is no file": "check the path",
    r"channels here": "pass grey images or red, green and blue, the channels last",
    r"must be uint8|must lie in 0\.\.1": "pass uint8 in 0..255, or float in 0..1",
    r"": "open it in a picture editor, and save what it shows as PNG",
}


@attrs.frozen(kw_only=True)
class Diagnosis:
    """What sets images apart from those the model was trained on; made by :func:`diagnose`.

    Printed, it tells how often each problem occurs, and then of each image the causes and their cures.

    Parameters
    ----------
    names : tuple of str
        What the images are called: their paths, or their places.
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
        counts: dict[str, int] = {}
        for finding in self.findings:
            counts[finding.problem] = counts.get(finding.problem, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: ``n``, ``ok``, ``problems`` and ``findings``, each with its image's name."""
        findings = [{"name": self.names[finding.image], **finding.to_dict()} for finding in self.findings]
        return {"n": len(self.names), "ok": self.ok, "problems": self.problems, "findings": findings}

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas DataFrame with one row for each finding.

        Columns: ``image`` (position), ``name``, ``problem``, ``cause``, ``cure``, ``measured``, ``low`` and ``high``
        (what the training images have; NaN where nothing was measured).
        """
        import pandas as pd

        rows = []
        for finding in self.findings:
            low, high = finding.expected or (np.nan, np.nan)
            measured = np.nan if finding.measured is None else finding.measured
            name = self.names[finding.image]
            rows.append(
                (finding.image, name, finding.problem, finding.cause, finding.cure, measured, low, high),
            )
        columns = ["image", "name", "problem", "cause", "cure", "measured", "low", "high"]
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        by_image: dict[int, list[Finding]] = {}
        for finding in self.findings:
            by_image.setdefault(finding.image, []).append(finding)
        lines = [self._summary(len(by_image))]
        for image, findings in list(by_image.items())[:_MOST_SHOWN]:
            lines += ["", self.names[image]]
            lines += [textwrap.indent(str(finding), "  ") for finding in findings]
        if len(by_image) > _MOST_SHOWN:
            lines += ["", f"... and {len(by_image) - _MOST_SHOWN} more; to_frame() has them all."]
        return "\n".join(lines)

    def _summary(self, n_different: int) -> str:
        total = len(self.names)
        if not n_different:
            subject = "the image looks" if total == 1 else f"all {total} images look"
            return f"{subject} like what the model was trained on."
        counts = ", ".join(f"{problem} ({count})" for problem, count in self.problems.items())
        verb = "differs" if n_different == 1 else "differ"
        noun = "image" if total == 1 else "images"
        return f"{n_different} of {total} {noun} {verb} from what the model was trained on: {counts}"


def diagnose(images: Any, pipeline: FittedPipeline, *, reference: Mapping[str, Any] | None = None) -> Diagnosis:
    """Compare images with those that a model was trained on, and say what differs, why, and what to do about it.

    What is compared is what the model sees: the images after the pipeline's transforms. An image that cannot be read
    or prepared is a finding as well, and stops none of the others.

    Parameters
    ----------
    images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
        As for the pipeline's ``predict``.
    pipeline : Pipeline
        Fitted.
    reference : mapping, optional
        What :func:`reference_of` made of training images. None: the one that the pipeline keeps.

    Returns
    -------
    Diagnosis
        One finding for each problem of each image; ``ok`` where there is none.

    Raises
    ------
    NotFittedError
        If the pipeline is not fitted.
    DataError
        If `images` are no images at all, or `reference` is not what :func:`reference_of` returns.
    SettingError
        If there is no reference.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit import Pipeline, Trainer, load_dataset
    >>> from lenetkit.diagnosis import diagnose, reference_of
    >>> from lenetkit.transforms import Resize
    >>> digits = load_dataset("digits")[:200]
    >>> pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(digits.images, digits.labels)
    >>> reference = reference_of(Resize((28, 28))(digits.images))
    >>> print(diagnose(255 - digits.images[:1], pipe, reference=reference))
    1 of 1 image differs from what the model was trained on: polarity (1)
    <BLANKLINE>
    images[0]
      polarity: the ink is dark on light; the model was trained on light on dark
        -> add Invert()
    """
    transforms = pipeline.transforms_
    if reference is None:
        reference = getattr(pipeline, "reference_", None)
    if reference is None:
        raise SettingError(
            "this pipeline does not say what its training images look like, so nothing can be compared with them. Fit "
            "and save it again with this version of lenetkit, or pass reference=reference_of(training images after "
            "the transforms)."
        )
    check_reference(reference)
    head, _ = transforms.split_affine()
    names, taken = take(images, head)
    found = [finding for place in range(len(taken)) for finding in _misfits(place, taken[place], reference, names)]
    misfits = {finding.image for finding in found}
    numbers = np.array([place for place in range(len(taken)) if place not in misfits], np.int64)
    if numbers.size:
        prepared = np.stack([_without_channel(taken[place].prepared) for place in numbers])
        steps = frozenset(name for name, _ in named_steps(transforms))
        found += findings_of(describe_images(prepared), numbers, taken, reference, steps)
    # The sort is stable: within an image the order stays.
    return Diagnosis(names=names, findings=tuple(sorted(found, key=lambda finding: finding.image)))


def named_steps(transforms: "Compose") -> Iterator[tuple[str, Any]]:
    """Give all steps, those of nested Composes included, each with the name of its class or function."""
    from lenetkit.transforms import Compose

    for step in transforms.steps:
        if isinstance(step, Compose):
            yield from named_steps(step)
        else:
            yield getattr(step, "__name__", type(step).__name__), step


def _misfits(place: int, taken: Taken, reference: Mapping[str, Any], names: tuple[str, ...]) -> list[Finding]:
    """Tell what keeps an image from being compared at all."""
    prepared = taken.prepared
    if isinstance(prepared, Exception):
        return [_unreadable(place, prepared, names[place])]
    if prepared.dtype.kind not in "uf" or not np.isfinite(prepared).all():
        found = "nan or inf" if prepared.dtype.kind == "f" else f"{prepared.dtype}"
        error = DataError(f"after the transforms the image holds {found}; it must hold finite uint8 or float.")
        return [_unreadable(place, error, names[place])]
    shape, expected = prepared.shape, tuple(reference["shape"])
    if _essential(shape) == _essential(expected):
        return []
    cause = f"after the transforms the image has the shape {shape}; the model was trained on {expected}"
    return [Finding(image=place, problem="shape", cause=cause, cure=_cure_of_shape(shape, expected))]


def _cure_of_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if shape[:2] != expected[:2]:
        return f"add Resize({expected[:2]})"
    if len(_essential(shape)) > len(_essential(expected)):
        return "put Grayscale() before the other transforms"
    return f"pass pictures of {expected[2]} channels"


def _unreadable(place: int, error: Exception, name: str) -> Finding:
    text = str(error).strip().replace("images[0]", name)
    if not isinstance(error, DataError):
        # From somebody's own transform: the kind of error is part of the message.
        text = text if isinstance(error, LenetkitError) else f"{type(error).__name__}: {text}"
        cause, cure = f"a transform stopped at it: {text}", "look at that transform; the trace shows how far it came"
        return Finding(image=place, problem="unreadable", cause=cause, cure=cure)
    return Finding(image=place, problem="unreadable", cause=text, cure=_cure_of(text))


def _cure_of(message: str) -> str:
    return next(cure for pattern, cure in _CURES.items() if re.search(pattern, message))


def _essential(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:2] if len(shape) == 3 and shape[2] == 1 else shape


def _without_channel(prepared: "Array | Exception") -> Array:
    image = np.asarray(prepared)
    return image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
