"""Writes a small trained model of each kind of data, its rows, and what it says of them.

    python -m tests.models.make FOLDER    # FOLDER: tests/models/format-2, for a new format version

Model files of every format version stay readable: those of earlier ones are never written again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.config import load
from nntrain.data.dataset import Dataset, read
from nntrain.data.parts import Part
from nntrain.data.report import Report
from nntrain.run.model import Model, read_model
from nntrain.run.run import Run
from nntrain.training.evaluate import predict
from nntrain.training.fit import fit

ROWS = 24


@dataclass(frozen=True)
class Kind:
    """A kind of data: the name of its file, what writes it, and the rest of a config."""

    file: str
    write: Callable[[Path], Any]
    config: str


def table(path: Path) -> None:
    """Numbers, a word, missing cells; a class, a number and a label to learn."""
    rng = np.random.default_rng(1)
    lines = ["a,b,word,kind,size,label"]
    for i in range(ROWS):
        a, b = rng.normal(size=2)
        word, kind = ("red", "blue", "größer, gelb")[i % 3], ("in", "on", "out")[i % 5 % 3]
        cells = ["" if i == 5 else f"{a:.3f}", f"{b:.3f}", f'"{word}"', kind, f"{3 * a:.2f}"]
        lines.append(",".join([*cells, "yn"[i % 2]]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def images(path: Path) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (ROWS, 6, 6, 1)).astype(np.uint8)
    np.savez_compressed(path, x=x, y=(x.mean(axis=(1, 2, 3)) > 127).astype(int))


def series(path: Path) -> None:
    rng = np.random.default_rng(3)
    lines = ["@problemName p", "@univariate false", "@classLabel true up down", "@data"]
    for i in range(ROWS):
        steps = rng.normal(size=(2, 3 + i % 4)).round(2).tolist()
        lines.append(":".join(",".join(map(str, c)) for c in steps) + (":up" if i % 2 else ":down"))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def window(path: Path) -> None:
    values = np.sin(np.arange(ROWS) / 2).round(3)
    path.write_text("\n".join(["t,v", *(f"{i},{v}" for i, v in enumerate(values))]) + "\n")


def text(path: Path) -> None:
    path.write_text("the cat sat on the mat – the rat sat.\n" * 8, encoding="utf-8")


def columns(path: Path) -> None:
    """A number, a rare category, dates, weights, cells missing; a class to learn."""
    rng = np.random.default_rng(4)
    lines = ["a,word,when,times,kind"]
    for i in range(ROWS):
        a, day = rng.normal(), f"2024-{1 + i % 12:02d}-{1 + 5 * i % 28:02d}T{i % 24:02d}:00"
        word = ("red", "blue", "", f"one {i}")[i % 4]
        cells = ["" if i % 7 == 5 else f"{a:.3f}", word, "" if i == 9 else day, str(i % 3 + 1)]
        lines.append(",".join([*cells, ("in", "on")[int(a > 0)]]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def reviews(path: Path) -> None:
    rng = np.random.default_rng(5)
    lines = ["review,mood"]
    for i in range(ROWS):
        words = rng.permutation(["the", "film", "was", ("dull", "fine")[i % 2], "we", "saw"])
        lines.append(f"{' '.join(words[: 3 + i % 4])}.,{('bad', 'good')[i % 2]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


DENSE = "{type: dense, units: 4, activation: tanh}"
OUT = "{type: dense, units: auto}"
KINDS = {
    "classes": Kind("table.csv", table, f"""\
data: {{path: table.csv, target: kind, id: b, features: {{exclude: [size, label]}}}}
model: {{layers: [{DENSE}, {{type: dropout, rate: 0.1}}, {OUT}]}}
loss: cross_entropy
"""),
    "numbers": Kind("table.csv", table, f"""\
data: {{path: table.csv, target: [a, size], features: {{exclude: [kind]}}}}
model: {{layers: [{DENSE}, {OUT}]}}
loss: mean_squared_error
"""),
    "heads": Kind("table.csv", table, f"""\
data: {{path: table.csv, target: [kind, size], features: {{exclude: [a]}}}}
model: {{layers: [{DENSE}, {OUT}]}}
loss: {{type: heads, losses: {{kind: cross_entropy, size: mean_absolute_error}}}}
"""),
    "columns": Kind("columns.csv", columns, f"""\
data:
  path: columns.csv
  target: kind
  weight: times
  preprocessing:
    numeric: {{scale: rank_normal, missing_flag: true}}
    categorical: {{encode: embedding, unknown: category, impute: category}}
model: {{layers: [{DENSE}, {OUT}]}}
loss: binary_cross_entropy
"""),
    "hashed": Kind("columns.csv", columns, f"""\
data:
  path: columns.csv
  target: kind
  id: times
  preprocessing:
    numeric: {{scale: robust, impute: constant, fill: -1.5}}
    categorical: {{encode: hashed, buckets: 5, impute: constant, fill: none}}
    date: {{parts: [year, elapsed, hour]}}
model: {{layers: [{DENSE}, {OUT}]}}
loss: binary_cross_entropy
"""),
    "ordinal": Kind("columns.csv", columns, f"""\
data:
  path: columns.csv
  target: [kind, a]
  features: {{include: [word, when]}}
  preprocessing: {{categorical: {{encode: ordinal, min_count: 2}}}}
model: {{layers: [{DENSE}, {OUT}]}}
loss: {{type: heads, losses: {{kind: binary_cross_entropy, a: huber}}}}
"""),
    "reviews": Kind("reviews.csv", reviews, f"""\
data: {{path: reviews.csv, target: mood, columns: {{review: text}}}}
model:
  layers:
    - {{type: embedding, input_dim: auto, output_dim: 4}}
    - {{type: global_average_pool1d}}
    - {OUT}
loss: binary_cross_entropy
"""),
    "images": Kind("images.npz", images, f"""\
data: {{path: images.npz, target: y}}
model:
  layers:
    - {{type: conv2d, filters: 3, kernel_size: 3}}
    - {{type: batch_norm}}
    - {{type: flatten}}
    - {OUT}
loss: binary_cross_entropy
"""),
    "series": Kind("series.ts", series, f"""\
data: {{path: series.ts, target: class}}
model: {{layers: [{{type: lstm, units: 4}}, {OUT}]}}
loss: cross_entropy
"""),
    "window": Kind("window.csv", window, f"""\
data: {{path: window.csv, target: v, window: {{length: 4}}}}
model: {{layers: [{{type: flatten}}, {DENSE}, {OUT}]}}
loss: mean_squared_error
"""),
    "text": Kind("text.txt", text, f"""\
data: {{path: text.txt, window: {{length: 8, stride: 8}}}}
model:
  layers:
    - {{type: embedding, input_dim: auto, output_dim: 4}}
    - {{type: gru, units: 6, return_sequences: true}}
    - {OUT}
loss: cross_entropy
"""),
}  # fmt: skip
TRAINER = "trainer: {max_epochs: 2, batch_size: 8}\n"


def begin(name: str, folder: Path, more: str = TRAINER) -> Run:
    """A run on a kind of data, in `folder`."""
    kind = KINDS[name]
    kind.write(folder / kind.file)
    config = folder / f"{name}.yaml"
    config.write_text(kind.config + more, encoding="utf-8")
    loaded = load(config)
    data, goal = loaded.experiment.data, loaded.experiment.loss.goal
    dataset = Dataset.load(data, loaded.data_path, goal, loaded.experiment.seed)
    return Run.start(loaded, dataset, folder / f"{name}-run")


def said(model: Model, path: Path) -> list[Any]:
    """What a model says of the first rows of a file, as lists of numbers."""
    known = model.preprocessor
    table = read(model.experiment.data, path)
    if known.tokens:
        x, lengths = known.features(table)[None, :ROWS], None
    else:
        part = Part.from_table(table, known, Report())
        x, lengths = part.x, part.lengths
    shown: list[Any] = predict(model, x, lengths).tolist()
    return shown


def main(folder: Path) -> None:
    """Writes what is not there yet: a kind of data may be newer than its format version."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in KINDS.items():
        if (folder / f"{name}.safetensors").exists():
            continue
        with tempfile.TemporaryDirectory() as place:
            run = begin(name, Path(place))
            list(fit(run))
            content = run.folder.model.read_bytes()
        (folder / f"{name}.safetensors").write_bytes(content)
        kind.write(folder / kind.file)
        model = read_model(folder / f"{name}.safetensors")
        answers = json.dumps(said(model, folder / kind.file))
        (folder / f"{name}.json").write_text(answers + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
