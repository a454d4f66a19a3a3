"""Directives that ask lenetkit itself, so that what they show is never out of date.

``registered`` documents what is registered as a model, data set or transform; ``short-names`` lists what ``lenetkit``
itself offers; ``command-help`` shows what a command's ``--help`` says; ``transform-stages`` shows the formulae and
constants of a transform.
"""

import inspect
import re
from typing import Any, ClassVar

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import lenetkit.transforms
from lenetkit.datasets import dataset_info, list_datasets
from lenetkit.models import list_models, model_info
from lenetkit.registry import Registry
from lenetkit.transforms import create_transform, describe_transform, list_transforms

_SIZE = {"terminal_width": 88, "max_content_width": 88}


def _code(text: object) -> str:
    return f"``{text}``"


def _link(name: str, function: Any) -> str:
    return f":py:func:`{name} <{function.__module__}.{function.__qualname__}>`"


def _models() -> list[Any]:
    """Return what is known of lenetkit's own models; a page of the gallery may have registered another."""
    infos = [model_info(name) for name in list_models()]
    return [info for info in infos if info.builder.__module__.startswith("lenetkit.")]


def _model_rows() -> list[list[str]]:
    head = ["name", "input", "parameters", "options", "what it is"]
    return [head] + [
        [
            _link(info.name, info.builder),
            " x ".join(map(str, info.input_shape)),
            f"{info.n_parameters:,}",
            ", ".join(_code(f"{key}={value!r}") for key, value in info.options.items()),
            info.description,
        ]
        for info in _models()
    ]


def _dataset_rows() -> list[list[str]]:
    infos = [dataset_info(name) for name in list_datasets()]
    return [["name", "epochs", "what it is"]] + [
        [
            _link(info.name, info.loader) if _has_a_name(info.loader) else _code(info.name),
            str(info.epochs),
            info.description,
        ]
        for info in infos
    ]


def _transform_rows() -> list[list[str]]:
    transforms = {name: create_transform(name) for name in list_transforms()}
    return [["name", "class", "what it does"]] + [
        [_code(name), _code(repr(transform)), str(type(transform).__doc__).partition("\n")[0]]
        for name, transform in transforms.items()
    ]


def _builders() -> list[Any]:
    return [info.builder for info in _models()]


def _loaders() -> list[Any]:
    return [loader for name in list_datasets() if _has_a_name(loader := dataset_info(name).loader)]


def _has_a_name(loader: Any) -> bool:
    """Tell whether a loader can be imported: those of EMNIST's selections are made by one function."""
    return "<locals>" not in loader.__qualname__


def _classes_without_a_page() -> list[type[Any]]:
    classes = [type(create_transform(name)) for name in list_transforms()]
    return [cls for cls in classes if cls.__name__ not in lenetkit.transforms.__all__]


class Registered(SphinxDirective):
    """A table of the registered members, and the documentation of those that have no page of their own."""

    required_arguments = 1
    _rows: ClassVar = {"models": _model_rows, "datasets": _dataset_rows, "transforms": _transform_rows}
    _members: ClassVar = {"models": _builders, "datasets": _loaders, "transforms": _classes_without_a_page}

    def run(self) -> list[nodes.Node]:
        kind = self.arguments[0]
        rows = self._rows[kind]()
        lines = [".. list-table::", "   :header-rows: 1", "   :class: registered", ""]
        for row in rows:
            lines += [f"   {'* -' if column == 0 else '  -'} {cell}" for column, cell in enumerate(row)]
        for member in self._members[kind]():
            directive = "autoclass" if isinstance(member, type) else "autofunction"
            lines += ["", f".. {directive}:: {member.__module__}.{member.__qualname__}"]
        return self.parse_text_to_nodes("\n".join(lines), offset=0)


class ShortNames(SphinxDirective):
    """A table of the names that ``lenetkit`` itself has, and where they live."""

    def run(self) -> list[nodes.Node]:
        lines = [".. list-table::", "   :header-rows: 1", "", "   * - name", "     - what it is"]
        for name in lenetkit.__all__:
            member = getattr(lenetkit, name)
            role = "func" if inspect.isroutine(member) else "class"
            home = f"lenetkit.{member.__module__.split('.')[1]}.{name}"
            summary = next(line.strip() for line in str(member.__doc__).splitlines() if line.strip())
            lines += [f"   * - :py:{role}:`lenetkit.{name} <{home}>`", f"     - {summary}"]
        return self.parse_text_to_nodes("\n".join(lines), offset=0)


class CommandHelp(SphinxDirective):
    """What ``lenetkit COMMAND --help`` prints."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        from lenetkit import cli

        command: click.Command = cli._commands
        context = click.Context(command, info_name="lenetkit", **_SIZE, **command.context_settings)
        if self.arguments:
            name = self.arguments[0]
            command = cli._commands.get_command(context, name)
            context = click.Context(command, info_name=name, parent=context, **_SIZE)
        text = command.get_help(context)
        return [nodes.literal_block(text, text, language="text")]


class TransformStages(SphinxDirective):
    """The stages that a transform describes, as ``preprocessing.json`` has them."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        listed = nodes.enumerated_list()
        for stage in describe_transform(create_transform(self.arguments[0]))["steps"]:
            item = nodes.list_item()
            rare = " (rare: a port can do without it)" if stage["rare"] else ""
            item += nodes.paragraph("", "", nodes.strong(text=f"{stage['stage']}{rare}"))
            item += nodes.bullet_list("", *[nodes.list_item("", nodes.paragraph(text=step)) for step in stage["steps"]])
            listed += item
        return [listed]


def stage_contract(_app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Give "In:", "Out:" and "Next:" in a module's docstring a line of their own."""
    if what == "module":
        text = re.sub(r"^(In|Out|Back|Next): ", r"\n**\1:** ", "\n".join(lines), flags=re.MULTILINE)
        # The same after a full stop: "... float32. Next: ..."
        text = re.sub(r"(?<=\.) (Out|Back|Next): ", r"\n\n**\1:** ", text)
        lines[:] = text.split("\n")


def skip_tuple_fields(_app: Sphinx, _what: str, _name: str, member: Any, *_: Any) -> bool | None:
    """Leave out what a named tuple says of its fields: "Alias for field number 0"."""
    return True if str(getattr(member, "__doc__", "")).startswith("Alias for field number") else None


def without_last_blank_line(_app: Sphinx, doctree: nodes.document) -> None:
    """Cut the blank line that doctest needs before a Markdown fence: without it the fence would be expected output."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext().rstrip()
        if block.rawsource == block.astext():
            block.rawsource = text
            block[:] = [nodes.Text(text)]


def setup(app: Sphinx) -> dict[str, Any]:
    # Only what lenetkit itself brings: a plug-in installed on the machine that builds is not ours to document.
    Registry._entry_points = lambda _: ([], {})
    app.connect("autodoc-skip-member", skip_tuple_fields)
    app.connect("doctree-read", without_last_blank_line)
    app.connect("autodoc-process-docstring", stage_contract)
    app.add_directive("registered", Registered)
    app.add_directive("short-names", ShortNames)
    app.add_directive("command-help", CommandHelp)
    app.add_directive("transform-stages", TransformStages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
