"""``lenetkit models``: the registered models."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lenetkit.models import ModelInfo

__all__ = ["models"]


@click.command()
@click.argument("pattern", default="*")
@click.option("--check", is_flag=True, help="Build, train and save each, and say which keep their contract.")
def models(pattern: str, check: bool) -> None:
    """List the registered models, or those whose names match PATTERN.

    Plug-ins are imported; a broken one is listed with its distribution and the reason.

    \b
    Examples:
      lenetkit models
      lenetkit models 'lenet*'
      lenetkit models --check my_model
    """
    from lenetkit.cli._registered import check_all, print_table
    from lenetkit.models import list_models, registry

    names = list_models(pattern)
    if check:
        from lenetkit.cli._options import start_tensorflow

        start_tensorflow()
        from lenetkit.testing import check_model

        check_all(names, check_model)
        return
    print_table(registry, names, ("name", "input", "parameters", "paper's error", "description"), _row)


def _row(info: "ModelInfo") -> tuple[str, ...]:
    error = "" if info.paper_error is None else f"{info.paper_error:g} %"
    return " x ".join(map(str, info.input_shape)), f"{info.n_parameters:,}", error, info.description
