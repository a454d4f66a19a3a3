"""The whole way from images to answers in one object.

In: images as people have them (arrays, lists, paths, PIL images) and labels. Out: labels and probabilities.
:class:`Pipeline` knows the stages and leaves the work to them; each of them can be replaced by one's own.
"""

from lenetkit.pipeline._adaptation_report import AdaptationReport, Tally
from lenetkit.pipeline._pipeline import Pipeline

__all__ = ["AdaptationReport", "Pipeline", "Tally"]
