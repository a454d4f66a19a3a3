"""The report of an adaptation: its figures before and after, and whether it was accepted."""

import attrs

from lenetkit._utils.intervals import wilson_interval
from lenetkit._utils.printable import printable

__all__ = ["AdaptationReport", "Tally"]


@attrs.frozen
class Tally:
    """Errors among answers.

    Parameters
    ----------
    n : int
        Number of images, at least 1.
    n_errors : int
        Number of wrong answers.

    Examples
    --------
    >>> from lenetkit.pipeline import Tally
    >>> tally = Tally(50, 4)
    >>> tally.accuracy
    0.92
    >>> print(tally)
    92.0 % right (81.2 to 96.8 %; 4 errors in 50)
    """

    n: int
    n_errors: int

    @property
    def accuracy(self) -> float:
        """Fraction of right answers, 0 to 1."""
        return (self.n - self.n_errors) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        low, high = wilson_interval(self.accuracy, self.n)
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.interval
        errors = f"{self.n_errors} error{'' if self.n_errors == 1 else 's'}"
        return f"{self.accuracy:.1%} right ({100 * low:.1f} to {high:.1%}; {errors} in {self.n})".replace("%", " %")


@attrs.frozen(kw_only=True)
class AdaptationReport:
    """The result of :meth:`Pipeline.adapt <lenetkit.pipeline.Pipeline.adapt>`; printed, it is a few lines.

    Parameters
    ----------
    accepted : bool
        False if the pipeline was left as it was.
    reason : str
        Why, in a sentence.
    before, after : Tally
        On the new images: of the pipeline as it was, and cross-validated, each image answered by a pipeline that has
        learnt from the others.
    kept_before, kept_after : Tally or None
        On images that nothing was learnt from: drawn digits, where the pipeline reads digits, half of `keep`, and the
        examples of earlier adaptations. None where there are none of these.
    steps : int
        Passes over the images that were found best; 0 if it was not accepted.
    new_classes : tuple
        Labels that the pipeline did not know before.
    layers : {"all", "last"} or None
        The layers that learnt: all of them, or the dense ones at the end. None if there was nothing to learn.

    Examples
    --------
    >>> from lenetkit.pipeline import AdaptationReport, Tally
    >>> before, after = Tally(50, 5), Tally(50, 1)
    >>> report = AdaptationReport(
    ...     accepted=True, reason="fewer errors.", before=before, after=after, steps=40, layers="all"
    ... )
    >>> print(report)
    accepted: fewer errors.
    new images, before: 90.0 % right (78.6 to 95.7 %; 5 errors in 50)
    new images, after:  98.0 % right (89.5 to 99.6 %; 1 error in 50), cross-validated
    layers: all
    """

    accepted: bool
    reason: str
    before: Tally
    after: Tally
    kept_before: Tally | None = None
    kept_after: Tally | None = None
    steps: int
    new_classes: tuple[int | str | bool, ...] = ()
    layers: str | None = None

    def __str__(self) -> str:
        lines = [
            f"{'accepted' if self.accepted else 'not accepted, the pipeline stays as it was'}: {self.reason}",
            f"new images, before: {self.before}",
            f"new images, after:  {self.after}, {'cross-validated' if self.layers else 'as before'}",
        ]
        if self.kept_before is not None and self.kept_after is not None:
            lines += [f"known ones, before: {self.kept_before}", f"known ones, after:  {self.kept_after}"]
        if self.layers:
            lines.append(f"layers: {self.layers}")
        if self.new_classes:
            lines.append(f"new classes: {', '.join(printable(str(label)) for label in self.new_classes)}")
        return "\n".join(lines)
