"""Trains the lessons and draws the pictures of `docs/lessons/`; run it after changing one of them.

    python docs/pictures.py

Each picture is made of what a run leaves behind (`metrics.csv`, `layers.csv`) or of what
`nntrain predict` says of the points of a grid.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

from nntrain.report.markup import Html, joined, tag
from nntrain.report.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, Scale, chart

ROOT = Path(__file__).parent.parent
LESSONS = ROOT / "configs" / "lessons"
PICTURES = Path(__file__).parent / "pictures"
PENGUINS = ROOT / "datasets" / "penguins.csv"
GRID = 48  # points of the grid along each side
STYLE = """
svg{--ink:#1a1d23;--soft:#5c6470;--rule:#dfe3e8;--paper:#fff;--s0:#2563eb;--s1:#d9480f;
--s2:#0a8f5b;--s3:#9c36b5;--s4:#b08900;background:var(--paper)}
@media (prefers-color-scheme:dark){svg{--ink:#e6e8eb;--soft:#9aa3af;--rule:#343a43;--paper:#14171c;
--s0:#6ea0ff;--s1:#ff9a5c;--s2:#4cc38a;--s3:#d98cf0;--s4:#e3bf4a}}
text{font:12.5px system-ui,sans-serif;fill:var(--soft)}.name{fill:var(--ink);font-weight:600}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.thin{stroke-width:1.2;opacity:.55}
.rule{stroke:var(--rule)}.axis,.best{stroke:var(--soft)}.best{stroke-dasharray:3 3}
.dots{fill:none;stroke-width:5;stroke-linecap:round;stroke-opacity:.8}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s3)}
.s4{stroke:var(--s4)}.f0{fill:var(--s0)}.f1{fill:var(--s1)}
"""
Table = dict[str, np.ndarray]


def fit(config: str, place: Path, *words: str) -> Path:
    """Train a lesson; returns the run folder.  One that diverges (exit code 4) may be meant."""
    folder = place / config.replace("/", "-")
    if folder.exists():
        return folder
    command = [sys.executable, "-m", "nntrain", "fit", f"{ROOT / 'configs' / config}.yaml"]
    done = subprocess.run([*command, "-q", "-o", str(folder), *words], check=False)
    if done.returncode not in (0, 4):
        raise SystemExit(done.returncode)
    return folder


def read(file: Path) -> Table:
    """The columns of a CSV file of numbers."""
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def write(name: str, *parts: Html, width: float = WIDTH, height: float = HEIGHT) -> None:
    """One picture that stands alone, light or dark as its reader is."""
    view = f"0 0 {width} {height}"
    whole = tag(
        "svg", tag("style", Html(STYLE)), *parts,
        xmlns="http://www.w3.org/2000/svg", viewBox=view, width=width * 1.4, height=height * 1.4,
    )  # fmt: skip
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.svg").write_text(whole + "\n", encoding="utf-8")


def curves(name: str, lines: list[Line], *, log: bool = True) -> None:
    """Lines over epochs, with their names below."""
    drawing = chart("", lines, log=log).partition("<svg")[2].partition(">")[2]
    inside = Html(drawing.partition("</svg>")[0])
    keys, x = [], float(LEFT)
    for line in lines:
        stroke = tag("path", d=f"M{x:.0f} {HEIGHT + 8}h18", class_=f"line {line.style}")
        words = tag("text", line.label, x=f"{x + 24:.0f}", y=HEIGHT + 12)
        keys += [stroke, words]
        x += 40 + 6.6 * len(line.label)
    write(name, inside, *keys, height=HEIGHT + 24)


def regions(name: str, folder: Path, columns: tuple[str, str]) -> None:
    """What a run says of every point of a plane, and the penguins on it."""
    with PENGUINS.open(newline="", encoding="utf-8") as lines:
        birds = [row for row in csv.DictReader(lines) if row["sex"] and row[columns[0]]]
    points = np.array([[float(bird[column]) for column in columns] for bird in birds])
    sexes = np.array([bird["sex"] for bird in birds])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * (high - low)
    x_axis, y_axis = np.linspace(low - margin, high + margin, GRID).T
    grid = folder.with_suffix(".csv")
    with grid.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *product(x_axis.tolist(), y_axis.tolist())])
    answer = folder.with_name(folder.name + "-answer.csv")
    command = [sys.executable, "-m", "nntrain", "predict", str(folder), str(grid)]
    subprocess.run([*command, "-q", "-o", str(answer)], check=True)
    with answer.open(newline="", encoding="utf-8") as lines:
        male = np.array([float(row["probability_male"]) for row in csv.DictReader(lines)])
    x = Scale(x_axis[0], x_axis[-1], LEFT, WIDTH - RIGHT)
    y = Scale(y_axis[0], y_axis[-1], HEIGHT - BOTTOM, TOP)
    cells = _shades(x(x_axis), y(y_axis), male.reshape(GRID, GRID))
    dots = [_dots(x, y, points[sexes == sex], f"s{n}") for n, sex in enumerate(("female", "male"))]
    words = [
        tag("text", columns[0], x=WIDTH - RIGHT, y=HEIGHT - 6, text_anchor="end"),
        tag("text", columns[1], x=LEFT, y=TOP - 10),
        tag("text", "● female", x=WIDTH - 130, y=TOP - 10, class_="f0"),
        tag("text", "● male", x=WIDTH - RIGHT, y=TOP - 10, text_anchor="end", class_="f1"),
    ]
    write(name, *cells, *dots, *_ticks(x, y), *words)


def _shades(x: np.ndarray, y: np.ndarray, male: np.ndarray) -> list[Html]:
    """The plane in shades of two colours: points of a row that have the same are one bar."""
    depth = np.rint(np.abs(male - 0.5) * 16).astype(int).tolist()
    wide, tall = abs(x[1] - x[0]), abs(y[1] - y[0])
    bars: dict[tuple[int, int], str] = {}
    for row, height in enumerate(y.tolist()):
        shades = [(int(male[n, row] > 0.5), depth[n][row]) for n in range(GRID)]
        start = 0
        for column in range(1, GRID + 1):
            if column == GRID or shades[column] != shades[start]:
                length, left = wide * (column - start), x[start] - wide / 2
                bar = f"M{left:.1f} {height - tall / 2:.1f}h{length:.1f}v{tall:.1f}h-{length:.1f}z"
                bars[shades[start]] = bars.get(shades[start], "") + bar
                start = column
    return [
        tag("path", d=bar, class_=f"f{side}", fill_opacity=f"{0.06 + shade / 28:.2f}")
        for (side, shade), bar in bars.items()
    ]


def _dots(x: Scale, y: Scale, points: np.ndarray, style: str) -> Html:
    places = zip(x(points[:, 0]).tolist(), y(points[:, 1]).tolist(), strict=True)
    return tag("path", d="".join(f"M{a:.1f} {b:.1f}h0" for a, b in places), class_=f"dots {style}")


def _ticks(x: Scale, y: Scale) -> list[Html]:
    across = [(t, float(x(np.array([t]))[0])) for t in x.ticks()]
    up = [(t, float(y(np.array([t]))[0])) for t in y.ticks()]
    below = HEIGHT - BOTTOM + 16
    return [
        joined(
            tag("text", f"{t:g}", x=f"{a:.1f}", y=below, text_anchor="middle") for t, a in across
        ),
        joined(
            tag("text", f"{t:g}", x=LEFT - 6, y=f"{b + 4:.1f}", text_anchor="end") for t, b in up
        ),
    ]


def losses(name: str, folder: Path) -> None:
    """The loss of training and of validation rows, epoch by epoch."""
    table = read(folder / "metrics.csv")
    epochs = table["epoch"]
    lines = [
        Line("training rows", epochs, table["train_loss_evaluated"], "s0"),
        Line("validation rows", epochs, table["validation_loss"], "s1"),
    ]
    curves(name, lines)


def compared(name: str, folders: dict[str, Path]) -> None:
    """The loss of validation rows of several runs."""
    lines = []
    for number, (label, folder) in enumerate(folders.items()):
        table = read(folder / "metrics.csv")
        lines.append(Line(label, table["epoch"], table["validation_loss"], f"s{number}"))
    curves(name, lines)


def vanishing(name: str, folders: dict[str, Path]) -> None:
    """The gradient that comes back to the output of each layer at the end of the first epoch."""
    lines = []
    for number, (label, folder) in enumerate(folders.items()):
        with (folder / "layers.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["epoch"] == "1"]
        dense = [row["output_gradient_norm"] for row in rows if row["kind"] == "dense"]
        norms = np.array([float(norm) for norm in dense])
        lines.append(Line(label, np.arange(1, len(norms) + 1.0), norms, f"s{number}"))
    curves(name, lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        mass = "body_mass_g"
        regions("neuron", fit("lessons/neuron", place), ("bill_depth_mm", mass))
        for name in ("line", "bend"):
            regions(name, fit(f"lessons/{name}", place), ("flipper_length_mm", mass))
        for name in ("overfit", "dropout"):
            losses(name, fit(f"lessons/{name}", place))
        rates = {"too short": "rate-small", "right": "rate-right", "too long": "rate-large"}
        compared("rates", {word: fit(f"lessons/{n}", place) for word, n in rates.items()})
        rules = {"descent": "rate-small", "momentum": "momentum", "Adam": "adam"}
        compared("rules", {word: fit(f"lessons/{n}", place) for word, n in rules.items()})
        deep = ("tanh", "residual", "relu")
        vanishing("vanishing", {n: fit(f"vanishing/vanishing-{n}", place) for n in deep})


if __name__ == "__main__":
    main()
