"""A page to correct on: the pictures of a folder, those first of which the pipeline is least sure."""

from lenetkit.demo._labelling.label_folder import label_folder

__all__ = ["label_folder"]
