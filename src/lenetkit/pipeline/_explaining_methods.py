"""Methods of a fitted pipeline that explain its answers: diagnosis, trace, looks and feature maps.

In: images as people have them. Out: diagnoses, traces, looks.
Next: :class:`lenetkit.pipeline.Pipeline` inherits them.
"""

import copy
from typing import TYPE_CHECKING, Any

from lenetkit.pipeline._fitted_methods import FittedMethods

if TYPE_CHECKING:
    from lenetkit.diagnosis import Diagnosis, Trace
    from lenetkit.plotting import FeatureMapsDisplay
    from lenetkit.transforms import Look

__all__ = ["ExplainingMethods"]


class ExplainingMethods(FittedMethods):
    """Base of :class:`lenetkit.pipeline.Pipeline`: what tells why it answers as it does."""

    def diagnose(self, images: Any, *, n_jobs: int | None = None) -> "Diagnosis":
        """Compare images with the training images and name causes and cures.

        See :func:`lenetkit.diagnosis.diagnose`, which raises the same errors: a SettingError, too, if the file was
        saved before pipelines kept the range of their training images.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit import Pipeline
        >>> diagnosis = Pipeline.pretrained().diagnose(np.full((1, 60, 40), 230, np.uint8))
        >>> [finding.problem for finding in diagnosis.findings]
        ['blank']
        """
        from lenetkit.diagnosis import diagnose

        return diagnose(images, self, n_jobs=n_jobs)

    def trace(self, image: Any) -> "Trace":
        """Show one image after every stage; see :func:`lenetkit.diagnosis.trace`, which raises the same errors.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> trace = Pipeline.pretrained().trace(255 - draw_number("7", height=120, seed=1).image)
        >>> int(trace.label), trace.stages[-1][1].shape
        (7, (28, 28))
        """
        from lenetkit.diagnosis import trace

        return trace(image, self)

    def plot_feature_maps(self, image: Any) -> "FeatureMapsDisplay":
        """Draw one image's feature maps; see :func:`lenetkit.diagnosis.feature_maps`, which raises the same errors.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> display = Pipeline.pretrained().plot_feature_maps(draw_digits(8, seed=1).images[7])
        >>> [ax.get_title() for ax in display.axes_][:3]
        ['input', 'c1', 's2']
        """
        from lenetkit.diagnosis import feature_maps

        return feature_maps(image, self).plot()

    def looks(self, images: Any) -> "list[tuple[Look, ...]]":
        """Return all looks at each image: the first one, and second looks where it may be meant in several ways.

        :class:`~lenetkit.transforms.MnistNormalize` takes second looks where the ink alone does not say what it is:
        thin strokes that may be outlines, a line that crosses the digit, grains, ink and paper that could be
        exchanged, a digit that fills its few pixels.
        None is taken where the first look is sure enough. Of several looks the surest is `taken`, by the highest
        probability times that of showing a digit: all answers come from it.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the images do not hold what they should; the message names the first offender.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import corrupt, draw_digits
        >>> outlines = corrupt(draw_digits(10, styles="school", seed=3).images, "canny_edges")
        >>> looks = Pipeline.pretrained().looks(outlines)[4]
        >>> [(look.done, look.taken) for look in looks]
        [('', False), ('hollow strokes filled', True)]
        """
        from lenetkit.pipeline._surest_look import weigh_looks

        now = copy.copy(self)._check_fitted()
        return weigh_looks(now.look(images), now.measure_sureness)
