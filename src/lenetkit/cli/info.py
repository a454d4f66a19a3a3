"""``lenetkit info``: the contents of a saved pipeline."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._options import only_one, pipeline_option
from lenetkit.cli._saved import find_pipeline

if TYPE_CHECKING:
    from lenetkit.bundle import BundleFile

__all__ = ["info"]

_MOST_CLASSES = 20


@click.command()
@click.argument("argument", metavar="[FILE]", required=False)
@pipeline_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def info(argument: str | None, file: str | None, as_json: bool) -> None:
    """Show the contents of the saved pipeline FILE, after checking it.

    Nothing in it is run, and no plug-in that it was made with is needed.

    \b
    Examples:
      lenetkit info digits.lenet
      lenetkit info --pipeline digits.lenet --json
      lenetkit info --pretrained digits
    """
    path = find_pipeline(only_one(argument, file))
    from lenetkit.bundle import read_file

    found = _contents(read_file(path))
    if as_json:
        click.echo(json.dumps({"path": path, **found}, indent=2))
        return
    click.echo(f"{printable(path)}: a saved pipeline of format {found['format']}, {found['size']:,} bytes")
    for name, text in _lines(found):
        click.echo(f"  {name:<11} {printable(text)}")
    click.echo("  members")
    for name, member in found["members"].items():
        click.echo(f"    {member['sha256']}  {member['size']:>11,}  {printable(name)}")


def _contents(file: "BundleFile") -> dict[str, Any]:
    """Return everything in the file as plain values."""
    bundle, manifest = file.bundle, file.manifest
    return {
        "format": manifest["format"],
        "needs_lenetkit": manifest["needs_lenetkit"],
        **_size_and_digest(file.content),
        "fingerprint": bundle.fingerprint,
        "versions": bundle.versions,
        "model": {
            "name": bundle.model,
            "distribution": bundle.model_distribution,
            "options": bundle.model_options,
            "input_shape": list(bundle.input_shape),
            "n_classes": bundle.n_classes,
        },
        "transforms": list(bundle.transforms),
        "encoder": bundle.encoder,
        "metrics": bundle.metrics,
        "data": bundle.data,
        "extras": manifest["extras"],
        "weights": {
            name: {"shape": list(array.shape), "dtype": array.dtype.name} for name, array in bundle.weights.items()
        },
        "n_weights": sum(array.size for array in bundle.weights.values()),
        "n_golden": len(bundle.golden_images),
        "members": {name: _size_and_digest(member) for name, member in file.members.items()},
    }


def _size_and_digest(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    model = found["model"]
    name = f"{model['name']} of {model['distribution']}" if model["name"] else "built by hand, no name in the registry"
    # Long and for machines: --json prints the training's history.
    extras = dict(found["extras"])
    training = extras.pop("training", None)
    curves = ", ".join(training["columns"]) if training else ""
    return [
        ("sha256", found["sha256"]),
        ("fingerprint", found["fingerprint"]),
        ("needs", f"lenetkit {found['needs_lenetkit']} or later"),
        ("made with", ", ".join(f"{library} {version}" for library, version in found["versions"].items())),
        ("model", name),
        ("options", _pairs(model["options"])),
        ("input", " x ".join(map(str, model["input_shape"]))),
        ("weights", f"{found['n_weights']:,} in {len(found['weights'])} arrays"),
        ("classes", _classes(found["encoder"].get("classes"), model["n_classes"])),
        *(("" if index else "transforms", _step(step)) for index, step in enumerate(found["transforms"])),
        ("metrics", _pairs(found["metrics"])),
        ("data", _pairs(found["data"])),
        *([("training", f"{training['epochs']} epochs, curves of {curves or 'nothing'}")] if training else []),
        ("extras", _pairs(extras)),
        ("golden", f"{found['n_golden']} inputs with the answers that they must give"),
    ]


def _step(step: dict[str, Any]) -> str:
    settings = step.get("settings")
    rest = {key: value for key, value in step.items() if key not in ("name", "settings")}
    texts = [step["name"], _pairs(settings, "") if isinstance(settings, dict) else "", _pairs(rest, "")]
    return " ".join(filter(None, texts))


def _classes(classes: Any, count: int) -> str:
    if not isinstance(classes, list):
        return str(count)
    return f"{count}: {', '.join(map(str, classes[:_MOST_CLASSES]))}{', ...' if len(classes) > _MOST_CLASSES else ''}"


def _pairs(values: dict[str, Any], empty: str = "none") -> str:
    return ", ".join(f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()) or empty
