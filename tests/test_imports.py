"""What importing costs, seen in fresh processes: the table of import weights in the architecture page."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ["tensorflow", "keras", "sklearn", "pandas", "scipy", "numpy", "PIL"]
FRAMEWORKS = ["tensorflow", "keras"]


def loaded_after(code: str, candidates: list[str]) -> list[str]:
    """Return which of the candidates are imported after running some code in a fresh process."""
    script = f"{code}\nimport sys\nprint([name for name in {candidates!r} if name in sys.modules], file=sys.stderr)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return list(eval(answer.stderr.strip().splitlines()[-1]))


def test_importing_lenetkit_imports_the_standard_library_only() -> None:
    """Every public name is loaded when it is first used."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "import lenetkit\n"
        "after = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "foreign = sorted(after - set(sys.stdlib_module_names) - {'lenetkit'})\n"
        "print(foreign)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_command_line_answers_at_once(argument: str) -> None:
    """Help and version need none of the heavy libraries."""
    code = f"import sys, lenetkit.cli\ntry:\n    lenetkit.cli.main([{argument!r}])\nexcept SystemExit:\n    pass"
    assert loaded_after(code, HEAVY) == []


@pytest.mark.slow
def test_only_training_needs_tensorflow() -> None:
    """The stages before and after the model do without."""
    codes = [
        "import lenetkit.datasets",
        "import lenetkit.transforms",
        "import lenetkit.encoder",
        "import lenetkit.registry",
        "import lenetkit.evaluator",
        "import lenetkit.runtime",
        "import lenetkit; lenetkit.list_models()",
        "import lenetkit; lenetkit.list_datasets()",
        "import lenetkit; lenetkit.load_dataset('digits')",
        "import lenetkit.transforms as t; t.list_transforms()",
        "from lenetkit import Pipeline; Pipeline()",
        "from lenetkit import Trainer; Trainer()",
    ]
    assert loaded_after("\n".join(codes), FRAMEWORKS) == []


def test_stages_import_the_table_libraries_only_when_they_need_them() -> None:
    """Importing a stage costs numpy and pillow at most."""
    code = "\n".join(f"import lenetkit.{module}" for module in ("datasets", "transforms", "encoder", "evaluator"))
    assert loaded_after(code, ["sklearn", "pandas", "scipy", "matplotlib"]) == []


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_loaded_pipeline_predicts_without_tensorflow(tmp_path: Path) -> None:
    """Nor scikit-learn, nor pandas."""
    from lenetkit import Pipeline, Trainer, load_dataset

    digits = load_dataset("digits")[:64]
    path = tmp_path / "digits.lenet"
    Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(digits.images, digits.labels).save(path)
    code = (
        "import numpy\n"
        "from lenetkit import Pipeline\n"
        f"Pipeline.load({str(path)!r}).predict(numpy.zeros((3, 28, 28), numpy.uint8))"
    )
    assert loaded_after(code, ["tensorflow", "keras", "sklearn", "pandas", "scipy", "lenetkit.runtime"]) == [
        "lenetkit.runtime"
    ]
