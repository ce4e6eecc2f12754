"""Several files as one table: lists and patterns, columns by name, messages that name the file."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nntrain.config import load
from nntrain.data.inputs import files_of, tables
from nntrain.data.settings import Data
from nntrain.data.table import Table, join
from nntrain.errors import DataError, MachineError
from tests.conftest import ROOT, Command

PENGUINS = ROOT / "datasets" / "penguins.csv"
CONFIG = """\
name: parts
data: {path: PATH, target: species}
model: {layers: [{type: dense, units: auto}]}
loss: cross_entropy
trainer: {max_epochs: 2}
"""


def read(*paths: Path | str, rows: int = 32768) -> Table:
    return join(list(tables(Data(path="").source, paths, rows)))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def failure(*paths: Path | str) -> DataError:
    with pytest.raises(DataError) as caught:
        read(*paths)
    assert len(str(caught.value).splitlines()) <= 6
    return caught.value


@pytest.mark.parametrize("rows", [1, 2, 32768])
def test_rows_come_in_the_order_of_the_files_and_columns_by_name(tmp_path: Path, rows: int) -> None:
    b = write(tmp_path / "b.csv", "x,y\n1,a\n2,b\n3,c\n")
    a = write(tmp_path / "a.csv", "y,x\nd,4\n\ne,5\n")
    table = read(b, a, rows=rows)
    assert table.columns["x"].tolist() == ["1", "2", "3", "4", "5"]
    assert table.columns["y"].tolist() == ["a", "b", "c", "d", "e"]
    each = tables(Data(path="").source, [b, a], rows)
    assert {tuple(one.columns) for one in each} == {("x", "y")}
    assert [table.file_of(row) for row in range(5)] == [str(b)] * 3 + [str(a)] * 2
    assert table.lines.tolist() == [2, 3, 4, 2, 4]
    some = table.take(np.array([4, 0]))
    assert some.error("odd", 0).problem.file == str(a)
    assert some.error("odd", 1).problem.file == str(b)
    assert some.error("odd").problem.file == f"{b} and 1 more file"
    assert table.empty == (1, f"line 3 of {a}")


def test_a_pattern_is_sorted_and_goes_into_folders(tmp_path: Path) -> None:
    for name in ("c.csv", "a.csv", "deep/b.csv", ".hidden.csv", "a.txt"):
        write(tmp_path / name, "x\n1\n")
    assert files_of(tmp_path / "*.csv") == (tmp_path / "a.csv", tmp_path / "c.csv")
    deep = files_of(tmp_path / "**" / "*.csv")
    assert [path.name for path in deep] == ["a.csv", "c.csv", "b.csv"]
    assert files_of([tmp_path / "c.csv", tmp_path / "a*.csv"])[0].name == "c.csv"


def test_letters_of_patterns_in_the_name_of_a_file_or_folder(tmp_path: Path) -> None:
    odd = write(tmp_path / "run[1]" / "rows[1].csv", "x,y\n1,a\n")
    assert files_of(odd) == (odd,)
    config = write(odd.parent / "c.yaml", CONFIG.replace("PATH", '"rows*.csv"'))
    assert files_of(load(config).data_paths) == (odd,)


def test_a_pattern_that_nothing_looks_like(tmp_path: Path) -> None:
    write(tmp_path / "shards" / "part-1.csv", "x\n1\n")
    problem = failure(tmp_path / "shards" / "prat-*.csv").problem
    assert (problem.message, problem.hint.split(" has ")[1]) == (
        "no file looks like this", "`part-1.csv`",
    )  # fmt: skip
    assert "there is no folder" in failure(tmp_path / "nowhere" / "*.csv").problem.hint
    (tmp_path / "empty").mkdir()
    assert "is empty" in failure(tmp_path / "empty" / "*.csv").problem.hint


def test_a_name_that_no_system_takes(tmp_path: Path) -> None:
    for name in ("x" * 5000, "[" * 5000, "x" * 5000 + "*"):
        with pytest.raises((DataError, MachineError)):
            read(tmp_path / name)


def test_a_file_named_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x\n1\n")
    assert failure(path, tmp_path / "*.csv").problem.message.startswith("this file is named twice")


def test_a_column_that_one_file_lacks(tmp_path: Path) -> None:
    a = write(tmp_path / "a.csv", "x,weight\n1,a\n")
    b = write(tmp_path / "b.csv", "x,wieght\n1,a\n")
    problem = failure(a, b).problem
    assert problem.file == str(b)
    assert "column is missing" in problem.message and "`weight`" in problem.message
    assert problem.hint == "did you mean `wieght`?"
    c = write(tmp_path / "c.csv", "x,weight,more\n1,a,2\n")
    problem = failure(a, c).problem
    assert (problem.file, "`more`" in problem.message) == (str(a), True)


def test_arrays_of_two_shapes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 4, 4)))
    np.savez(tmp_path / "b.npz", x=np.zeros((3, 5, 5)))
    problem = failure(tmp_path / "a.npz", tmp_path / "b.npz").problem
    assert problem.file == str(tmp_path / "b.npz")
    assert "arrays of 5 × 5" in problem.message and "arrays of 4 × 4" in problem.message


def test_several_files_of_arrays_and_of_series(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (7, 3, 3)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x=x[:4], y=np.arange(4))
    np.savez(tmp_path / "b.npz", y=np.arange(4, 7), x=x[4:])
    table = read(tmp_path / "*.npz")
    np.testing.assert_array_equal(table.columns["x"], x)
    assert table.columns["y"].tolist() == list("0123456")
    assert table.place(6) == "row 3" and table.file_of(6).endswith("b.npz")
    source = ROOT / "datasets" / "japanese-vowels-train.ts"
    copies = [shutil.copy(source, tmp_path / f"{i}.ts") for i in range(2)]
    assert len(read(*copies)) == 2 * len(read(source))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """The penguins in three files, the columns of one in another order; and a config of them."""
    names, *rows = (line.split(",") for line in PENGUINS.read_text().splitlines())
    for number in range(3):
        some = [names, *rows[number * 120 : (number + 1) * 120]]
        if number == 1:
            some = [row[::-1] for row in some]
        write(tmp_path / "shards" / f"{number}.csv", "".join(f"{','.join(r)}\n" for r in some))
    return write(tmp_path / "parts.yaml", CONFIG.replace("PATH", '"shards/*.csv"'))


def test_shards_train_as_the_whole_file_does(
    nntrain: Command, shards: Path, tmp_path: Path
) -> None:
    assert nntrain("fit", shards, "-q").code == 0
    whole = write(tmp_path / "whole.yaml", CONFIG.replace("PATH", str(PENGUINS)))
    assert nntrain("fit", whole, "-q", "--output-dir", "whole").code == 0
    ours = tmp_path / "runs" / "parts" / "001"
    model = (ours / "model.safetensors").read_bytes()
    assert model == (tmp_path / "whole" / "model.safetensors").read_bytes()

    facts = json.loads((ours / "manifest.json").read_text())["data"]
    files = sorted((tmp_path / "shards").glob("*.csv"))
    hashes = {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    assert facts["path"] == list(map(str, files))
    assert facts["others"] == hashes
    assert facts["bytes"] == sum(f.stat().st_size for f in files)

    assert (
        nntrain("eval", ours).out.splitlines()[1:] == nntrain("eval", "whole").out.splitlines()[1:]
    )

    one = nntrain("predict", "whole", PENGUINS)
    several = nntrain("predict", ours, "shards/*.csv")
    assert several.code == 0 and several.out == one.out
    measured = nntrain("eval", ours, "--data", "shards/*.csv", "--json").out
    assert json.loads(measured)["rows"] == 344

    assert nntrain("fit", "--resume", ours, "--set", "trainer.max_epochs=3", "-q").code == 0
    write(files[1], files[1].read_text().replace("male", "mail"))
    changed = nntrain("eval", ours)
    assert changed.code == 3 and "1.csv: the data has changed" in changed.err


def test_a_shard_that_is_added_later_is_not_of_the_run(
    nntrain: Command, shards: Path, tmp_path: Path
) -> None:
    assert nntrain("fit", shards, "-q").code == 0
    before = nntrain("eval").out
    shutil.copy(tmp_path / "shards" / "0.csv", tmp_path / "shards" / "9.csv")
    assert nntrain("eval").out == before


def test_a_bad_cell_is_told_with_its_file(nntrain: Command, shards: Path, tmp_path: Path) -> None:
    last = tmp_path / "shards" / "2.csv"
    lines = last.read_text().splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[2], "12x")
    write(last, "\n".join(lines))
    found = nntrain("fit", shards)
    assert found.code == 3
    assert f"{last}:6: column" in found.err.replace("\n", "")


def test_a_list_in_the_config_and_below_an_extending_one(tmp_path: Path) -> None:
    write(tmp_path / "base" / "base.yaml", CONFIG.replace("PATH", "[a.csv, sub/b.csv]"))
    own = write(tmp_path / "own.yaml", "extends: base/base.yaml\n")
    loaded = load(own)
    assert loaded.data_paths == (tmp_path / "base" / "a.csv", tmp_path / "base" / "sub" / "b.csv")
    assert loaded.data_path == loaded.data_paths[0]


def test_an_empty_list_and_labels_of_several(nntrain: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "c.yaml", CONFIG.replace("PATH", "[]"))
    found = nntrain("check", path)
    assert found.code == 2 and "expected at least one file, got an empty list" in found.err
    both = CONFIG.replace("PATH", "[a.idx, b.idx], format: {type: idx, labels: l.idx}")
    found = nntrain("check", write(tmp_path / "c.yaml", both))
    assert found.code == 2 and "with a list there are several" in found.err


def test_a_pattern_of_test_rows(nntrain: Command, shards: Path, tmp_path: Path) -> None:
    text = CONFIG.replace("PATH", '["shards/1.csv", "shards/2.csv"], test_path: "shards/[0].csv"')
    path = write(tmp_path / "two.yaml", text)
    assert nntrain("fit", path, "-q").code == 0
    assert "120 rows of the test split" in nntrain("eval").out
    assert nntrain("fit", "--resume", "runs/parts/001", "--set", "trainer.max_epochs=3").code == 0
