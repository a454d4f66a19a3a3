"""One HTML file with everything that is known of an evaluation; it opens offline in any browser.

In: an evaluation and, as far as there are any, its images, the pipeline, learning curves and a table of corruptions.
Out: a file that fetches nothing and runs no script. Next: a person reads it, prints it or sends it on.

Other stages' objects are known by the few attributes that :mod:`lenetkit.evaluator._report.description` names. Needs
matplotlib and Jinja2 (extra ``plot``); :meth:`lenetkit.evaluator.Evaluation.to_html` calls it.
"""

from lenetkit.evaluator._report.description import FittedPipeline, Images, LabelledImages
from lenetkit.evaluator._report.writer import write_report

__all__ = ["FittedPipeline", "Images", "LabelledImages", "write_report"]
