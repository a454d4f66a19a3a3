"""Draw the picture of the architecture: python tools/draw_architecture.py writes docs/images/architecture.svg."""

from pathlib import Path

TARGET = Path(__file__).parents[1] / "docs" / "images" / "architecture.svg"
WIDTH, HEIGHT, MARGIN, GAP = 960, 716, 24, 14
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#007a5a", "#8a4f86"
FILL = {ORANGE: "#f6e9df", BLUE: "#e3eff7", GREEN: "#e4f1ec", PURPLE: "#f3e8f2"}

HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" \
aria-labelledby="title description">
<title id="title">The architecture of lenetkit</title>
<desc id="description">Four floors. The roof: command line, the page to draw on, the scikit-learn classifier, \
comparison, robustness, testing, and the pipeline. Helpers of the pipeline: rejection, diagnosis, reading, exporting, \
bundle, runtime, synthesis. The six stages: datasets, transforms, encoder, models, trainer, evaluator. The ground \
floor: plotting, augment, registry, _ink, _utils, exceptions. Imports point down only.</desc>
<style>
text {{ font-family: -apple-system, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; fill: #1d2733; }}
.band {{ font-size: 15px; font-weight: 600; fill: #47525e; }}
.mod {{ font-size: 16px; font-weight: 600; }}
.small {{ font-size: 12px; }}
.mono {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13.5px; }}
.num {{ font-size: 13px; font-weight: 700; fill: #fff; }}
.plug {{ font-size: 11.5px; fill: {BLUE}; }}
.flow {{ stroke: #47525e; stroke-width: 1.8; fill: none; }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">\
<path d="M0 0 L8 4 L0 8 z" fill="#47525e"/></marker></defs>
<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#ffffff"/>
"""

BESIDE = {
    "classifier": ["the pipeline for", "scikit-learn"],
    "comparison": ["models side", "by side"],
    "robustness": ["accuracy on", "spoilt images"],
    "testing": ["the contract", "as tests"],
    "demo": ["a page to", "draw on"],
}
HELPERS = {
    "rejection": ["when not", "to answer"],
    "diagnosis": ["why a photo", "fails"],
    "reading": ["whole", "numbers"],
    "exporting": ["to other", "runtimes"],
    "bundle": ["the saved", "file"],
    "runtime": ["answers without", "TensorFlow"],
    "synthesis": ["drawn digits,", "corruptions"],
}
STAGES = {
    "datasets": ["name, file or folder", "to a Dataset"],
    "transforms": ["images of any kind to", "images of one kind"],
    "encoder": ["labels to one-hot", "targets, and back"],
    "models": ["name and options to", "a keras.Model"],
    "trainer": ["model and arrays to a", "trained model, history"],
    "evaluator": ["labels, probabilities", "to an Evaluation"],
}
OPEN_TO_PLUGINS = {"datasets", "transforms", "models"}
GROUND = {
    "plotting": ["every picture"],
    "augment": ["random variations"],
    "registry": ["names to add to"],
    "_ink": ["picture to 28 x 28"],
    "_utils": ["files, checks, HTML"],
    "exceptions": ["one tree"],
}
WAY = [("photo.png", 96), ("read_images", 108), ("transforms", 104), ("model", 72), ("rejection", 96)]
WAY += [("inverse_transform", 156), ("7", 40)]


def rect(x: float, y: float, width: float, height: float, fill: str, stroke: str, rx: int = 8, dash: str = "") -> str:
    extra = f' stroke-dasharray="{dash}"' if dash else ""
    size = f'width="{width:g}" height="{height:g}"'
    return f'<rect x="{x:g}" y="{y:g}" {size} rx="{rx}" fill="{fill}" stroke="{stroke}"{extra}/>'


def text(x: float, y: float, words: str, kind: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{words}</text>'


def arrow(x: float, y: float, length: float) -> str:
    return f'<path d="M{x:g} {y:g} h{length:g}" class="flow" marker-end="url(#tip)"/>'


def row(boxes: dict[str, list[str]], y: float, height: float, colour: str) -> list[str]:
    """Return boxes of equal width beside each other, each with its name and what it is for."""
    width = (WIDTH - 2 * MARGIN - (len(boxes) - 1) * GAP) / len(boxes)
    parts = []
    for place, (name, lines) in enumerate(boxes.items()):
        x = MARGIN + place * (width + GAP)
        parts.append(rect(x, y, width, height, FILL[colour], colour))
        parts.append(text(x + width / 2, y + 25, name, "mod"))
        parts += [text(x + width / 2, y + 45 + 16 * number, line, "small") for number, line in enumerate(lines)]
    return parts


def stages(y: float, height: float) -> list[str]:
    """Return the numbered stages with the arrows between them."""
    gap = 18
    width = (WIDTH - 2 * MARGIN - 5 * gap) / 6
    parts = []
    for place, (name, lines) in enumerate(STAGES.items()):
        x = MARGIN + place * (width + gap)
        parts.append(rect(x, y, width, height, FILL[BLUE], BLUE))
        parts.append(f'<circle cx="{x + 20:g}" cy="{y + 22:g}" r="11" fill="{BLUE}"/>')
        parts.append(text(x + 20, y + 26.5, str(place + 1), "num"))
        parts.append(text(x + 38, y + 27, name, "mod", "start"))
        parts += [text(x + width / 2, y + 54 + 17 * number, line, "small") for number, line in enumerate(lines)]
        if name in OPEN_TO_PLUGINS:
            parts.append(rect(x + 14, y + height - 26, width - 28, 19, "#ffffff", BLUE, 9, "3 3"))
            parts.append(text(x + width / 2, y + height - 12.5, "+ yours", "plug"))
        if place < 5:
            parts.append(arrow(x + width + 2, y + height / 2, gap - 6))
    return parts


def way(y: float) -> list[str]:
    """Return the steps that a photo takes to its label."""
    space = (WIDTH - 2 * MARGIN - sum(width for _, width in WAY)) / (len(WAY) - 1)
    x, parts = float(MARGIN), []
    for place, (name, width) in enumerate(WAY):
        outside = place in (0, len(WAY) - 1)
        parts.append(rect(x, y, width, 34, "#fff6d6" if outside else "#ffffff", "#888", 6))
        parts.append(text(x + width / 2, y + 22, name, "mod" if outside else "mono"))
        if place < len(WAY) - 1:
            parts.append(arrow(x + width + 3, y + 17, space - 10))
        x += width + space
    return parts


def main() -> None:
    whole = WIDTH - 2 * MARGIN
    parts = [
        text(MARGIN, 36, "The roof knows everything below", "band", "start"),
        text(WIDTH - MARGIN, 36, "imports point down only ↓", "band", "end"),
        rect(MARGIN, 48, whole, 40, FILL[ORANGE], ORANGE),
        text(WIDTH / 2, 73, "cli: lenetkit train, predict, read, evaluate, compare, demo, ...", "mono"),
        *row(BESIDE, 98, 74, ORANGE),
        rect(MARGIN, 182, whole, 56, FILL[ORANGE], ORANGE),
        text(WIDTH / 2, 206, "pipeline", "mod"),
        text(WIDTH / 2, 226, "fit, predict, evaluate, save, load, pretrained: all of it in one object", "small"),
        text(MARGIN, 270, "Helpers of the pipeline; each works alone", "band", "start"),
        *row(HELPERS, 282, 74, PURPLE),
        text(MARGIN, 390, "The stages, in the order the data flow; none imports another", "band", "start"),
        *stages(402, 106),
        text(MARGIN, 542, "The ground floor imports no stage", "band", "start"),
        *row(GROUND, 554, 58, GREEN),
        text(MARGIN, 648, "The way of an image", "band", "start"),
        *way(662),
    ]
    TARGET.write_text("\n".join([HEAD.rstrip("\n"), *parts, "</svg>"]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
