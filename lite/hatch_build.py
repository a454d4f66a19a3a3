"""Build of lenetkit-lite: the source and the metadata of lenetkit, with the dependencies that reading needs.

In a clone they are found one folder up; an sdist holds a copy of both, from which its wheel is built.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

DEPENDENCIES = ("attrs", "click", "numpy", "pillow", "rich", "safetensors", "scipy")
EXTRAS = ("demo", "plot")
COPIED = ("authors", "classifiers", "requires-python", "version")

# The names, in an sdist, of what a clone has one folder up.
METADATA, SOURCE = "lenetkit.toml", "src/lenetkit"


def find_source(root: str) -> tuple[Path, Path]:
    """Return the metadata of lenetkit, and the folder of its package."""
    here = Path(root)
    if (here / METADATA).is_file():
        return here / METADATA, here / SOURCE
    return here.parent / "pyproject.toml", here.parent / SOURCE


class Metadata(MetadataHookInterface):
    """Metadata that both distributions have in common."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the fields that are dynamic in pyproject.toml."""
        project = tomllib.loads(find_source(self.root)[0].read_text("utf-8"))["project"]
        metadata.update({field: project[field] for field in COPIED})
        metadata["dependencies"] = [
            requirement
            for requirement in project["dependencies"]
            if re.match(r"[\w-]+", requirement)[0] in DEPENDENCIES
        ]
        metadata["optional-dependencies"] = {extra: project["optional-dependencies"][extra] for extra in EXTRAS}


class Build(BuildHookInterface):
    """Files of the wheel and of the sdist that lie outside this folder."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Add the package, and to an sdist the metadata."""
        metadata, package = find_source(self.root)
        if self.target_name == "sdist":
            build_data["force_include"].update({str(metadata): METADATA, str(package): SOURCE})
        else:
            build_data["force_include"][str(package)] = "lenetkit"
