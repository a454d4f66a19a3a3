"""``lenetkit models``: the registered models and pretrained pipelines."""

import click

from lenetkit.cli._options import start_tensorflow

__all__ = ["models"]


@click.command()
@click.argument("pattern", default="*")
@click.option("--check", is_flag=True, help="Build, train and save each, and say which keep their contract.")
def models(pattern: str, check: bool) -> None:
    """List the registered models and pretrained pipelines, or those whose names match PATTERN.

    Plug-ins are imported; a broken one is listed with its distribution and the reason.

    \b
    Examples:
      lenetkit models
      lenetkit models 'lenet*'
      lenetkit models --check my_model
    """
    from lenetkit import pretrained
    from lenetkit.cli._registered import check_all, print_table
    from lenetkit.models import ModelInfo, registry

    def row(info: ModelInfo) -> tuple[str, ...]:
        error = "" if info.paper_error is None else f"{info.paper_error:g} %"
        return " x ".join(map(str, info.input_shape)), f"{info.n_parameters:,}", error, info.description

    names = registry.names(pattern)
    if check:
        start_tensorflow()
        from lenetkit.testing import check_model

        check_all(names, check_model)
    else:
        ready = pretrained.registry.names(pattern)
        if names or not ready:
            print_table(registry, names, ("name", "input", "parameters", "paper's error", "description"), row)
        if ready:
            print_table(
                pretrained.registry,
                ready,
                ("pretrained", "bytes", "description"),
                lambda info: (f"{info.path.stat().st_size:,}", info.description),
            )
