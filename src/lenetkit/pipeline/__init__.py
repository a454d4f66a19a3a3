"""The whole way from images to answers in one object.

In: images as people have them (arrays, lists, paths, PIL images) and labels. Out: labels and probabilities.
:class:`Pipeline` knows the stages and leaves the work to them; each of them can be replaced by one's own.
"""

from lenetkit.pipeline._pipeline import Pipeline

__all__ = ["Pipeline"]
