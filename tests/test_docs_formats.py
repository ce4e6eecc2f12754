"""Every config of docs/formats.md trains, measures itself and predicts, on a file as it says."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from nntrain.data.formats import Idx
from nntrain.data.table import join
from tests.conftest import ROOT, Command
from tests.test_data_formats import idx

DATASETS = ROOT / "datasets"
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
CONFIGS = dict(re.findall(r"```yaml\n# ([\w ]+)\n(.*?)```", PAGE, re.DOTALL))


def _shards(folder: Path) -> str:
    names, *rows = (DATASETS / "penguins.csv").read_text().splitlines()
    (folder / "shards").mkdir()
    for number in range(4):
        text = "\n".join([names, *rows[number::4]])
        (folder / "shards" / f"{number}.csv").write_text(text)
    return "shards/*.csv"


def _euro(folder: Path) -> str:
    rng = np.random.default_rng(0)
    rows = [f"{'Köln' if m < 70 else 'Bonn'};{m:.1f};{17 * m:.2f}" for m in rng.uniform(20, 99, 60)]
    text = "# Mieten\nOrt;Fläche;Preis\n" + "\n".join(rows).replace(".", ",")
    (folder / "umsatz.csv").write_text(text, encoding="utf-8")
    return "umsatz.csv"


def _penguins(folder: Path, name: str) -> str:
    frame = polars.read_csv(DATASETS / "penguins.csv")
    write = frame.write_ndjson if name.endswith("jsonl") else frame.write_parquet
    write(folder / name)
    return name


def _images(folder: Path) -> str:
    path = DATASETS / "fashion-mnist-2500-images-idx3-ubyte.gz"
    table = join([next(Idx().read(path, 90))])
    for number, (pixels, label) in enumerate(
        zip(table.columns["image"], table.columns["label"].tolist(), strict=True)
    ):
        place = folder / "photos" / label
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).convert("RGB").save(place / f"{number}.jpg")
    return "photos"


def _arrays(folder: Path) -> str:
    x = np.random.default_rng(0).normal(size=(60, 4, 3))
    np.savez(folder / "rows.npz", x=x, y=np.where(x[:, 0, 0] > 0, "up", "down"))
    return "rows.npz"


def _idx(folder: Path) -> str:
    images = np.random.default_rng(0).integers(0, 255, (40, 4, 4)).astype(np.uint8)
    labels = (np.arange(40) % 3).astype(np.uint8)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"train-{name}-ubyte.gz"
        path.write_bytes(gzip.compress(idx(array)))
    return "train-images-idx3-ubyte.gz"


def _copy(folder: Path, name: str, of: str) -> str:
    shutil.copy(DATASETS / of, folder / name)
    return name


def _book(folder: Path) -> str:
    text = (DATASETS / "paradise-lost.txt").read_text(encoding="utf-8")
    (folder / "book.txt").write_text(text[:6000], encoding="utf-8")
    return ""


FILES: dict[str, Callable[[Path], str]] = {
    "several files": _shards,
    "csv": _euro,
    "jsonl": lambda folder: _penguins(folder, "penguins.jsonl"),
    "parquet": lambda folder: _penguins(folder, "penguins.parquet"),
    "images": _images,
    "npz": _arrays,
    "idx": _idx,
    "ts": lambda folder: _copy(folder, "vowels.ts", "japanese-vowels-train.ts"),
    "windows": lambda folder: _copy(folder, "sunspots.csv", "sunspots.csv"),
    "text": _book,
}


def test_every_config_is_tried() -> None:
    assert CONFIGS.keys() == FILES.keys()
    assert PAGE.count("```yaml") == len(CONFIGS)


@pytest.mark.parametrize("name", FILES)
def test_fit_eval_and_predict(nntrain: Command, tmp_path: Path, name: str) -> None:
    source = FILES[name](tmp_path)
    (tmp_path / "own.yaml").write_text(CONFIGS[name], encoding="utf-8")
    fit = nntrain("fit", "own.yaml", "-q", "--set", "trainer.max_epochs=1")
    assert fit.code == 0, fit.err
    assert nntrain("eval").code == 0
    assert nntrain("runs", "verify").code == 0
    if source:
        said = nntrain("predict", "runs/own/001", source, "-o", "p.npy")
        assert said.code == 0, said.err
        assert np.isfinite(np.load("p.npy")).all()
