"""The table of columns that `check` and `fit` print: kinds, counts, shares, what is done."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nntrain.data.columns import Column
from nntrain.display.plain import columns
from tests.conftest import Command

CONFIG = """\
data: {path: rows.csv, target: y, id: key, weight: w}
model: {layers: [{type: dense, units: auto}]}
loss: binary_cross_entropy
"""


def write(folder: Path) -> None:
    rng = np.random.default_rng(21)
    lines = ["key,number,count,word,when,code,review,still,w,y"]
    for i in range(80):
        number = "" if i % 8 == 0 else f"{rng.normal():.3f}"
        review = f"this is what number {i} says of it"
        day = f"2024-{1 + i % 12:02d}-01"
        word = rng.choice(["red", "blue"])
        lines.append(f"k{i},{number},{i + 1},{word},{day},c-{i},{review},7,1,{'yn'[i % 2]}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    (folder / "rows.yaml").write_text(CONFIG)


def test_every_kind_is_inferred_and_shown(nntrain: Command, tmp_path: Path) -> None:
    write(tmp_path)
    told = nntrain("check", "rows.yaml").err.splitlines()
    assert told[0].split() == ["column", "kind", "values", "missing", "what", "is", "done"]
    shown = {line.split()[0]: line.split()[1:3] for line in told[1:11]}
    assert shown == {
        "y": ["target", "80"], "key": ["id", "80"], "number": ["numeric", "70"],
        "count": ["numeric", "80"], "word": ["categorical", "80"], "when": ["date", "80"],
        "code": ["id-like", "80"], "review": ["text", "80"], "still": ["constant", "80"],
        "w": ["weight", "80"],
    }  # fmt: skip
    done = {line.split()[0]: line for line in told if line}
    assert "10 (12 %)" in done["number"]
    assert "one-hot: `blue`, `red`" in done["word"]
    assert "elapsed, month" in done["when"]
    assert "every value is 7" in done["still"]
    assert "looks like an id" in done["code"]
    notes = [line for line in told if line.startswith("note: ")]
    assert notes[0].startswith("note: `count` counts the rows one by one: if it is an id,")
    assert notes[1].startswith("note: `review` looks like free text and is left out:")
    assert len(notes) == 2


def test_all_of_it_is_overruled(nntrain: Command, tmp_path: Path) -> None:
    write(tmp_path)
    kinds = "{when: categorical, code: categorical, still: numeric, count: categorical, w: ignore}"
    config = CONFIG.replace(", weight: w}", f", columns: {kinds}}}")
    (tmp_path / "rows.yaml").write_text(config)
    told = nntrain("check", "rows.yaml", "-v").err.splitlines()
    shown = {line.split()[0]: line.split()[1] for line in told[1:11]}
    assert (shown["when"], shown["code"], shown["still"]) == ("categorical",) * 2 + ("numeric",)
    assert (shown["count"], shown["w"]) == ("categorical", "ignore")


def test_windows_have_rows_in_the_order_of_time(nntrain: Command, tmp_path: Path) -> None:
    """So a column that counts them is no wonder."""
    write(tmp_path)
    config = CONFIG.replace("id: key", "window: {length: 4}, features: {include: [count, number]}")
    config = config.replace("layers: [", "layers: [{type: flatten}, ")
    (tmp_path / "rows.yaml").write_text(config)
    done = nntrain("check", "rows.yaml")
    assert done.code == 0, done.err
    assert "one by one" not in done.err


def test_shares() -> None:
    line = columns([Column("x", "numeric", 1, rows=3000)], [])[1]
    assert line.split()[:4] == ["x", "numeric", "2,999", "1"]
    assert "(0.033 %)" in line
