"""The fitted state of a pipeline: it predicts, becomes a bundle, and comes back from one.

In: images as people have them, or a bundle. Out: probabilities, or a bundle.
Next: :class:`lenetkit.pipeline.Pipeline` is the door to it.
"""

import contextlib
import copy
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.lazy import lazy
from lenetkit._utils.levels import check_levels
from lenetkit._utils.validation import check_whole
from lenetkit.bundle import Bundle, Rejection, verify_bundle
from lenetkit.datasets import check_failures, is_pile, map_images, read_images
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import BundleError, DataError, PluginError, SettingError, UnknownNameError
from lenetkit.pipeline._surest_look import take_surest
from lenetkit.transforms import Compose, Looks, Prepared, transform_from_dict

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from lenetkit.pipeline._trained import Trained
    from lenetkit.reading import LineReader
    from lenetkit.rejection import Calibration, Gate
    from lenetkit.runtime import Predictor
    from lenetkit.trainer import TrainingResult

__all__ = ["FittedState", "check_one_each", "get_input"]

_Answers: TypeAlias = npt.NDArray[Any]


class FittedState:
    """Fitted transforms and encoder, and a model that was trained here or comes from a bundle.

    It never changes: a pipeline that learns something gets another one, in one assignment, and a call that has taken
    one answers with that, whatever other threads do.

    Parameters
    ----------
    transforms : Compose
        Fitted.
    encoder : LabelEncoder
        Fitted.
    source : Trained or Bundle
        The origin of the model.
    runtime : str, optional
        The runtime that its networks run in, as :class:`lenetkit.runtime.Predictor` takes it.
    """

    def __init__(
        self, transforms: Compose, encoder: LabelEncoder, source: "Trained | Bundle", runtime: str | None = None
    ) -> None:
        self.transforms, self.encoder, self._source, self.runtime = transforms, encoder, source, runtime
        self.classes: npt.NDArray[Any] = encoder.classes_
        self.rejection = source.rejection if isinstance(source, Bundle) else None
        self._line_reader = source.line_reader if isinstance(source, Bundle) else None

    @classmethod
    def from_bundle(cls, bundle: Bundle, runtime: str | None = None) -> "FittedState":
        """Return the fitted state that :meth:`to_bundle` gave.

        Any runtime but LiteRT, which the file was checked with when it was saved, must give the golden answers first.

        Raises
        ------
        BundleError
            If a transform or the labels cannot be restored here, or the answers are not those in the file.
        DataError
            If the runtime cannot use a network.
        SettingError, MissingExtraError
            If the runtime is unknown or not installed.
        """
        try:
            transforms = Compose([transform_from_dict(step) for step in bundle.transforms])
            encoder = LabelEncoder.from_dict(bundle.encoder)
        except (DataError, SettingError, UnknownNameError, PluginError) as error:
            raise BundleError(
                f"the saved pipeline needs what is not here: {error} Install the package that it was saved with."
            ) from error
        if runtime is not None or not _has_litert():
            verify_bundle(bundle, runtime=runtime)
        return cls(transforms, encoder, bundle, runtime)

    def answer(self, images: Any, function: Callable[[Prepared], _Answers], n_jobs: int | None = None) -> _Answers:
        """Return what a function makes of prepared images, a row for each; of a pile while more of it is read."""

        def work(pictures: list[npt.NDArray[Any]]) -> _Answers:
            return function(self._take(self.transforms.look(pictures, self.measure_sureness)))

        found = self._map_pile(images, work, n_jobs) if is_pile(images) else None
        return function(self.prepare(images, n_jobs)) if found is None else np.array(found)

    def prepare(self, images: Any, n_jobs: int | None = None) -> Prepared:
        """Read images and apply all transforms but a trailing affine one; files in `n_jobs` threads.

        Of pictures that may be meant in several ways it takes the look that the networks are surest of.
        """
        same = self.transforms.pass_unchanged(images) if n_jobs is None and _is_one_image(images) else None
        if same is not None:
            check_levels(same)
            return self.as_prepared(same)
        return self._take(self.look(images, n_jobs))

    def _take(self, looks: Looks) -> Prepared:
        return self.as_prepared(take_surest(looks, self.measure_sureness) if len(looks.rows) else looks.images)

    def as_prepared(self, images: npt.NDArray[Any]) -> Prepared:
        """Return images after all transforms but a trailing affine one, with that one."""
        return Prepared(images, *self.transforms.get_affine(images.dtype))

    def look(self, images: Any, n_jobs: int | None = None) -> Looks:
        """Read images and apply all transforms but a trailing affine one, with second looks in doubt."""
        look = functools.partial(self.transforms.look_at_each, measure=self.measure_sureness)
        found = self._map_pile(images, look, n_jobs)
        if found is not None:
            return self.transforms.join(found)
        return self.transforms.look(read_images(images, side=self.transforms.working_side), self.measure_sureness)

    def _map_pile(
        self, images: Any, function: Callable[[list[npt.NDArray[Any]]], Iterable[Any]], n_jobs: int | None
    ) -> list[Any] | None:
        """Apply a function to the pictures of a pile, a few at a time; None if they must be taken all together."""
        if n_jobs is not None:
            check_whole("n_jobs", n_jobs, 1)
        transforms, side = self.transforms, self.transforms.working_side
        if not (is_pile(images) and transforms.elementwise and (side is not None or _is_stored(images))):
            return None
        try:
            found = [each for pile in map_images(images, function, n_jobs=n_jobs, side=side) for _, each in pile]
        except DataError:
            # A transform that cannot take one of them names its place in a pile; all together, that among all.
            if side is not None:
                raise
            return None
        check_failures(found)
        return found

    def predict_proba(self, prepared: Prepared) -> npt.NDArray[np.float32]:
        """Return the probabilities, calibrated where that was learnt."""
        probabilities = self.predictor.predict_proba(get_input(prepared))
        return probabilities if self.rejecting is None else self.rejecting[0].calibrate(probabilities)

    def find_best(self, prepared: Prepared) -> npt.NDArray[np.int64]:
        """Return the indices of the most probable labels; calibrating the probabilities would leave their order."""
        best: npt.NDArray[np.int64] = self.predictor.predict_proba(get_input(prepared)).argmax(axis=1)
        return best

    def measure_sureness(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the highest probability of each image after the transforms, times that of showing a digit at all."""
        prepared = self.as_prepared(images)
        sureness = self.predict_proba(prepared).max(axis=1)
        if self.rejecting is not None:
            sureness = sureness * self.rejecting[1].digit_probability(get_input(prepared))
        return np.asarray(sureness)

    @lazy
    def predictor(self) -> "Predictor":
        """The LiteRT model; after training it is converted when it is first needed."""
        from lenetkit.runtime import Predictor

        scale, offset = self.transforms.get_affine(np.uint8)
        return Predictor(self._source.tflite, scale=scale, offset=offset, runtime=self.runtime)

    @lazy
    def model(self) -> "keras.Model":
        """The Keras model, built from the registry if the pipeline was loaded."""
        if not isinstance(self._source, Bundle):
            return self._source.model
        from lenetkit.pipeline._trained import rebuild_model

        return rebuild_model(self._source)

    @lazy
    def rejecting(self) -> "tuple[Calibration, Gate] | None":
        """The calibration of the probabilities and the novelty detector, if there are any."""
        from lenetkit.rejection import Calibration, Gate

        if self.rejection is None:
            return None
        kept = attrs.asdict(self.rejection, recurse=False)
        scale, offset = self.transforms.get_affine(np.uint8)
        tflite, threshold = kept.pop("gate_tflite"), kept.pop("gate_threshold")
        gate = Gate(tflite, threshold, scale=scale, offset=offset, runtime=self.runtime)
        return Calibration(**kept), gate

    @lazy
    def line_reader(self) -> "LineReader | None":
        """The network that reads whole lines, if there is one."""
        from lenetkit.reading import LineReader

        saved = self._line_reader
        return None if saved is None else LineReader.from_saved(saved, runtime=self.runtime)

    def with_rejection(self, calibration: "Calibration", gate: "Gate") -> "FittedState":
        """Return this state with a calibration and a novelty detector."""
        new = copy.copy(self)
        kept = attrs.asdict(calibration, recurse=False)
        new.rejection = Rejection(**kept, gate_tflite=gate.tflite, gate_threshold=gate.threshold)
        new.rejecting = (calibration, gate)
        new.__dict__.pop("fingerprint", None)
        return new

    def without_rejection(self) -> "FittedState":
        """Return this state with neither calibration nor novelty detector."""
        new = copy.copy(self)
        new.rejection = None
        for name in ("rejecting", "fingerprint"):
            new.__dict__.pop(name, None)
        return new

    @lazy
    def fingerprint(self) -> str:
        """The fingerprint of the bundle."""
        return self.to_bundle().fingerprint

    @property
    def result(self) -> "TrainingResult | None":
        """The result of the training, if it took place in this process."""
        return None if isinstance(self._source, Bundle) else self._source.result

    @property
    def reference(self) -> dict[str, Any] | None:
        """The range of the training images; None for a file that was saved before that was kept."""
        return self._source.reference

    @property
    def history(self) -> "pd.DataFrame | None":
        """The learning curves; None for a file that has none."""
        if not isinstance(self._source, Bundle):
            return self._source.result.history
        return None if self._source.history is None else self._source.history.to_table()

    @property
    def provenance(self) -> dict[str, str] | None:
        """Settings, fingerprints, versions and machine; None for a file that does not say."""
        return None if self._source.provenance is None else dict(self._source.provenance)

    def to_bundle(self, notes: Mapping[str, Any] | None = None) -> Bundle:
        """Return everything that prediction needs as plain values and arrays, with notes beside the fingerprint.

        Raises
        ------
        SettingError
            If a note has the name of something that was recorded, or a transform has no registered name.
        BundleError
            If weights are not finite, or notes are no plain values.
        """
        notes = dict(notes or {})
        if "fingerprint" in notes:
            raise SettingError(
                "notes must not replace what was recorded: 'fingerprint' is that of the training data. Choose another "
                "name for the note."
            )
        if isinstance(self._source, Bundle):
            if not notes and self.rejection is self._source.rejection:
                return self._source
            return attrs.evolve(self._source, data={**self._source.data, **notes}, rejection=self.rejection)
        return self._source.to_bundle(self.transforms, self.encoder, self.predictor, self.rejection, notes)


def get_input(prepared: Prepared) -> npt.NDArray[Any]:
    """Return prepared images as a predictor takes them: it maps uint8 images itself, chunk by chunk."""
    return prepared.images if prepared.images.dtype == np.uint8 else prepared.apply_affine()


def check_one_each(images: Any, labels: Any) -> None:
    """Refuse another number of labels than of images."""
    if len(images) != len(labels):
        raise DataError(f"there must be one label per image; got {len(images)} images and {len(labels)} labels.")


def _is_one_image(images: Any) -> bool:
    """Tell if it is one image in the plainest form: uint8 (1, height, width[, 1])."""
    return (
        type(images) is np.ndarray
        and images.dtype == np.uint8
        and images.ndim in (3, 4)
        and images.shape[0] == 1
        and images.shape[3:] in ((), (1,))
        and images.size > 0
    )


def _is_stored(images: Any) -> bool:
    """Tell if these are files, or their content, that can be read a second time."""
    return isinstance(images, (list, tuple)) and all(isinstance(image, (str, os.PathLike, bytes)) for image in images)


def _has_litert() -> bool:
    """Tell if LiteRT is installed, without importing it."""
    with contextlib.suppress(ImportError, ValueError):
        return find_spec("ai_edge_litert") is not None
    return False
