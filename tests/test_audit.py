"""Each finding of an audit: on data made to have it, and on data that has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.audit import material as materials
from nntrain.audit.audit import Audit, audit
from nntrain.audit.finding import Finding
from nntrain.audit.leaks import _ranks
from nntrain.audit.order import DATE
from nntrain.audit.shifts import _area, _distance
from nntrain.cli.loading import load_config, load_data
from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data, Split, Window
from nntrain.families import Task
from tests.conftest import ROOT, Command

Columns = dict[str, Any]
ROWS = 240
KINDS = np.array(["ant", "bee", "cow"])
CLASS = np.arange(ROWS) % 3


def random() -> np.random.Generator:
    """The same in every test, whatever tests came before."""
    return np.random.default_rng(7)


def clean() -> Columns:
    """Two numbers that say something of the class, one that does not, and a word."""
    rng = np.random.default_rng(11)
    return {
        "a": np.round(CLASS + rng.normal(size=ROWS), 3),
        "b": np.round(rng.normal(size=ROWS) - CLASS, 3),
        "c": np.round(rng.uniform(size=ROWS), 3),
        "word": rng.choice(["red", "green", "blue"], ROWS),
        "kind": KINDS[CLASS],
    }


def write(path: Path, columns: Columns) -> Path:
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


def look(folder: Path, cells: Columns, target: str = "kind", **settings: Any) -> Audit:
    path = write(folder / "data.csv", cells)
    data = Data(str(path), target=target, **settings)
    goal: Task = "classes" if target == "kind" else "numbers"
    found = audit(Dataset.load(data, path, goal, 0), data)
    json.dumps(found.to_plain(), allow_nan=False)  # each number is one of JSON's
    return found


def kinds(found: Audit) -> list[str]:
    return [finding.kind for finding in found.findings]


def only(found: Audit, kind: str) -> Finding:
    own = [finding for finding in found.findings if finding.kind == kind]
    assert len(own) == 1, found.findings
    return own[0]


def parts_of(tmp_path: Path, columns: Columns) -> dict[str, Any]:
    path = write(tmp_path / "parts.csv", columns)
    dataset = Dataset.load(Data(str(path), target="kind"), path, "classes", 0)
    return {name: part.rows for name, part in dataset.parts.items()}


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert look(tmp_path, clean()) == Audit((), ())


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(60, 200),
    width=st.integers(1, 5),
    classes=st.integers(2, 4),
    few=st.booleans(),
)
def test_chance_is_never_serious(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    rows: int,
    width: int,
    classes: int,
    few: bool,
) -> None:
    """Columns of noise, of many values or of three, tell nothing and make no leak."""
    rng = np.random.default_rng(seed)
    cells = {
        f"x{i}": rng.integers(0, 3, rows) if few else rng.normal(size=rows).round(4)
        for i in range(width)
    }
    kind = np.arange(rows) % classes
    found = look(tmp_path_factory.mktemp("noise"), {**cells, "kind": rng.permutation(kind)})
    assert not found.serious, found.findings


def test_rows_that_stand_twice(tmp_path: Path) -> None:
    columns = clean()
    rows = parts_of(tmp_path, columns)
    for own, twin in zip(rows["test"][:6], rows["train"][:6], strict=True):
        for name in ("a", "b", "c", "word"):
            columns[name][own] = columns[name][twin]
    found = look(tmp_path, columns)
    finding = only(found, "duplicates")
    assert finding.serious
    assert found.findings[0] is finding
    assert "6 of 36 test rows (17 %)" in finding.message
    other = sum(CLASS[rows["test"][:6]] != CLASS[rows["train"][:6]])
    assert finding.figures["other_target"] == other > 0
    assert f"line {rows['test'][0] + 2} (test) = line {rows['train'][0] + 2} (train)" in (
        finding.examples
    )
    assert only(found, "conflicts").figures["rows"] == 2 * other


def test_one_row_that_stands_twice_is_a_remark(tmp_path: Path) -> None:
    columns = clean()
    rows = parts_of(tmp_path, columns)
    for values in columns.values():
        values[rows["test"][0]] = values[rows["train"][0]]
    finding = only(look(tmp_path, columns), "duplicates")
    assert not finding.serious
    assert finding.figures["rows"] == 1


def test_columns_of_few_values_make_equal_rows(tmp_path: Path) -> None:
    columns = clean()
    found = look(tmp_path, {name: columns[name] for name in ("word", "kind")} | {"d": CLASS % 2})
    repeated = [finding for finding in found.findings if finding.kind == "duplicates"]
    assert len(repeated) == 2
    assert not found.serious
    assert all("by chance" in finding.message for finding in repeated)


def test_a_column_that_copies_the_class(tmp_path: Path) -> None:
    for copy in (CLASS * 2 + 1, np.array(["x", "y", "z"])[CLASS]):
        finding = only(look(tmp_path, clean() | {"code": copy}), "target_copy")
        assert finding.serious
        assert finding.figures["column"] == "code"
        assert finding.figures["accuracy"] == 1.0
        assert "exclude: [code]" in finding.advice


def test_a_column_that_nearly_tells_the_class(tmp_path: Path) -> None:
    code = CLASS.copy()
    code[:6] = (code[:6] + 1) % 3
    found = look(tmp_path, clean() | {"code": code})
    assert not found.serious
    assert only(found, "near_copy").figures["accuracy"] == pytest.approx(1 - 6 / ROWS)


def test_a_category_of_its_own_for_each_row_tells_nothing(tmp_path: Path) -> None:
    """By the rows that it was made of, a table of such a column would know every class."""
    names = np.array([f"n{row // 2}" for row in random().permutation(ROWS)])
    found = look(tmp_path, clean() | {"name": names}, columns={"name": "categorical"})
    assert kinds(found) == ["id"]
    assert "120 different values in 240 rows" in found.findings[0].message


@pytest.mark.parametrize("bend", [lambda y: 3 * y - 7, lambda y: np.exp(y / 2), lambda y: -(y**3)])
def test_a_column_that_copies_a_number(tmp_path: Path, bend: Any) -> None:
    columns = clean()
    y = columns["a"] + columns["b"]
    del columns["kind"]
    assert kinds(look(tmp_path, columns | {"y": y}, "y")) == []
    found = look(tmp_path, columns | {"y": y, "again": bend(y)}, "y")
    assert only(found, "target_copy").figures["column"] == "again"
    assert found.serious == 1


def test_counters_of_rows(tmp_path: Path) -> None:
    for counter in (np.arange(ROWS), 10 * random().permutation(ROWS), np.arange(ROWS) ** 2):
        finding = only(look(tmp_path, clean() | {"number": counter}), "id")
        assert finding.figures["column"] == "number"
        assert "data.id: number" in finding.advice


def test_constants(tmp_path: Path) -> None:
    columns = clean()
    rows = parts_of(tmp_path, columns)
    late = np.zeros(ROWS, int)
    late[rows["test"][0]] = 1
    rare = np.zeros(ROWS, int)
    rare[rows["train"][0]] = 1
    found = look(tmp_path, columns | {"one": np.ones(ROWS), "late": late, "rare": rare})
    assert kinds(found) == ["constant", "constant", "near_constant"]
    assert [f.figures.get("columns") for f in found.findings[:2]] == [["one"], ["late"]]
    assert found.findings[2].figures["other_rows"] == {"rare": 1}


def test_tiny_classes(tmp_path: Path) -> None:
    columns = clean()
    columns["kind"] = columns["kind"].astype(object)
    columns["kind"][:9] = "dog"
    finding = only(look(tmp_path, columns), "tiny_class")
    counts = {(one["part"], one["class"]): one["rows"] for one in finding.figures["classes"]}
    assert {part for part, _ in counts} == {"validation", "test"}
    assert {label for _, label in counts} == {"dog"}
    assert all(0 < count < 5 for count in counts.values())


def test_wrong_labels(tmp_path: Path) -> None:
    columns = clean()
    columns["a"] = np.round(columns["a"] + 9 * CLASS, 3)
    columns["b"] = np.round(columns["b"] - 9 * (CLASS == 1), 3)
    assert "label_noise" not in kinds(look(tmp_path, columns))
    columns["kind"] = columns["kind"].copy()
    columns["kind"][[30, 100]] = "cow"  # an ant, a bee
    finding = only(look(tmp_path, columns), "label_noise")
    assert finding.figures["rows"] == 2
    assert {text.partition(" (")[0] for text in finding.examples} == {"line 32", "line 102"}
    assert any("says `cow`, looks like `ant`" in text for text in finding.examples)


def test_wrong_numbers(tmp_path: Path) -> None:
    columns = clean()
    del columns["kind"]
    y = columns["a"] + columns["b"] + 0.3 * random().normal(size=ROWS)
    assert kinds(look(tmp_path, columns | {"y": y}, "y")) == []
    y[17] += 40
    finding = only(look(tmp_path, columns | {"y": y}, "y"), "label_noise")
    assert finding.figures["rows"] == 1
    assert finding.examples[0].startswith("line 19 ")


def test_parts_that_are_not_alike(tmp_path: Path) -> None:
    columns = clean()
    late = np.arange(ROWS) >= int(0.85 * ROWS)
    columns["c"] = np.round(columns["c"] + 0.7 * late, 3)
    columns["word"] = np.where(late, "red", columns["word"])
    columns["a"] = np.where(late & (np.arange(ROWS) % 2 == 0), "", columns["a"].astype(str))
    found = look(tmp_path, columns, split=Split(by="time"))
    finding = next(f for f in found.findings if f.kind == "shift" and f.figures["part"] == "test")
    assert set(finding.figures["columns"]) == {"c", "word"}
    assert {f.figures["column"] for f in found.findings if f.kind == "missing_shift"} == {"a"}
    assert only(found, "told_apart").figures["roc_auc"] > 0.7


def test_dates_under_a_random_split(tmp_path: Path) -> None:
    days = [f"2024-{1 + row // 28 % 12:02d}-{1 + row % 28:02d}" for row in range(ROWS)]
    columns = clean() | {"day": days}
    finding = only(look(tmp_path, columns), "time_order")
    assert finding.figures["columns"] == ["day"]
    assert "by: time" in finding.advice
    assert "time_order" not in kinds(look(tmp_path, columns, split=Split(by="time")))


def test_neighbours_that_are_alike(tmp_path: Path) -> None:
    columns = clean()
    del columns["kind"]
    walk = np.cumsum(random().normal(size=ROWS))
    assert (
        only(look(tmp_path, columns | {"y": walk}, "y"), "time_order").figures["correlation"] > 0.8
    )
    assert "time_order" not in kinds(look(tmp_path, columns | {"y": np.sort(walk)}, "y"))
    assert "time_order" not in kinds(
        look(tmp_path, columns | {"y": random().permutation(walk)}, "y")
    )


@pytest.mark.parametrize(
    ("text", "is_date"),
    [("2024-01-31", True), ("2024-01-31 12:30:00", True), ("31.1.2024", True), ("1/2/99", True),
     ("2024-01", True), ("red", False), ("1.5", False), ("2024", False), ("10-20", False)],
)  # fmt: skip
def test_dates(text: str, is_date: bool) -> None:
    assert bool(DATE.fullmatch(text)) == is_date


def test_windows(tmp_path: Path) -> None:
    columns = {"y": np.sin(np.arange(100.0)) + random().normal(size=100)}
    found = look(tmp_path, columns, "y", window=Window(5))
    assert found.findings == ()
    assert "of windows only" in found.limits[0]
    again = look(tmp_path, {"y": np.tile([1.0, 2.0, 5.0, 3.0], 25)}, "y", window=Window(5))
    assert set(kinds(again)) == {"duplicates"}
    assert not again.serious


def test_texts(tmp_path: Path) -> None:
    words = random().choice(list("abcdefgh "), 4000)
    path = tmp_path / "a.txt"
    data = Data(str(path))
    for text, serious in (("".join(words), 0), ("".join([*words, *words[:600]]), 1)):
        path.write_text(text)
        found = audit(Dataset.load(data, path, "classes", 0), data)
        assert found.serious == serious, found
        assert "of a text only" in found.limits[0]


def test_images(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    x = random().integers(0, 255, (100, 4, 4)).astype(np.uint8)
    y = np.arange(100) % 2
    data = Data(str(path), target="y")

    def found() -> Audit:
        np.savez(path, x=x, y=y)
        return audit(Dataset.load(data, path, "classes", 0), data)

    assert set(kinds(found())) <= {"label_noise"}
    rows = Dataset.load(data, path, "classes", 0).parts
    x[rows["test"].rows[:3]] = x[rows["train"].rows[:3]]
    x[rows["validation"].rows[0]] = 9
    again = found()
    assert again.serious == 1
    assert again.findings[0].figures["rows"] == 3
    assert f"row {rows['validation'].rows[0] + 1} (validation)" in str(
        [f.examples for f in again.findings if f.kind == "constant"]
    )
    assert "of images and series only" in again.limits[0]


def test_series_that_differ_in_their_length_alone_are_not_equal(tmp_path: Path) -> None:
    lines = ["@problemName a", "@univariate true", "@classLabel true x y", "@data"]
    lines += [f"{','.join(['0'] * (2 + row % 30))},1:{'xy'[row % 2]}" for row in range(30)]
    lines = [line.replace(",1:", ":") for line in lines]
    (tmp_path / "a.ts").write_text("\n".join(lines) + "\n")
    data = Data(str(tmp_path / "a.ts"), target="class")
    found = audit(Dataset.load(data, data.path, "classes", 0), data)
    assert "duplicates" not in kinds(found)


def test_test_rows_in_a_file_of_their_own(tmp_path: Path) -> None:
    columns = clean()
    rows = parts_of(tmp_path, columns)["train"][:5]
    path, other = write(tmp_path / "data.csv", columns), tmp_path / "test.csv"
    write(other, {name: values[rows] for name, values in columns.items()})
    data = Data(str(path), target="kind", test_path=str(other))
    found = audit(Dataset.load(data, path, "classes", 0, test_path=other), data)
    finding = found.findings[0]
    assert (finding.kind, finding.serious, finding.figures["part"]) == ("duplicates", True, "test")
    assert finding.examples[0].startswith("line 2 (test) = line ")


def test_validation_rows_in_a_file_of_their_own_and_several_files(tmp_path: Path) -> None:
    columns = clean()
    whole = write(tmp_path / "whole.csv", columns)
    lines = whole.read_text().splitlines()
    (tmp_path / "a.csv").write_text("\n".join(lines[:121]) + "\n")
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *lines[121:]]) + "\n")
    paths, other = (str(tmp_path / "a.csv"), str(tmp_path / "b.csv")), tmp_path / "v.csv"
    rows = Dataset.load(Data(paths, target="kind"), paths, "classes", 0).parts["train"].rows
    (tmp_path / "v.csv").write_text("\n".join([lines[0], *(lines[row + 1] for row in rows)]) + "\n")
    data = Data(paths, target="kind", validation_path=str(other))
    found = audit(Dataset.load(data, paths, "classes", 0, validation_path=other), data)
    finding = next(f for f in found.findings if f.figures.get("part") == "validation")
    assert (finding.kind, finding.serious) == ("duplicates", True)
    assert any("b.csv" in one for one in finding.examples + _last(found, data, paths, other))


def _last(found: Audit, data: Data, paths: tuple[str, ...], other: Path) -> tuple[str, ...]:
    """Where the last row of the files is said to stand."""
    dataset = Dataset.load(data, paths, "classes", 0, validation_path=other)
    whole = materials.Material.of(dataset, data)
    return (whole.place(int(whole.own_file[-1])),)


def test_dates_and_texts_have_findings_too(tmp_path: Path) -> None:
    days = [f"2024-{1 + row // 28 % 12:02d}-{1 + row % 28:02d}" for row in range(ROWS)]
    found = look(tmp_path, clean() | {"day": days}, columns={"day": "date"})
    assert kinds(found) == ["time_order"]
    words = [f"{'good' if row % 2 else 'bad'} thing number {row}" for row in range(ROWS)]
    data = {"note": words, "kind": KINDS[CLASS]}
    assert look(tmp_path, data, columns={"note": "text"}).serious == 0


def test_many_rows_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materials, "MOST_ROWS", 100)
    found = look(tmp_path, clean() | {"code": CLASS})
    assert kinds(found) == ["target_copy"]
    assert found.limits == ("statistics are of 100 of 240 rows",)


SHIPPED = {
    "iris": [], "penguins": [], "japanese-vowels": [], "sunspots": [], "paradise-lost": [],
    "digits": ["constant", "near_constant"],
    "titanic": ["duplicates", "duplicates", "conflicts"],  # three columns of few values
    "auto-mpg": ["time_order"],  # the file is in the order of the years
}  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_data_raises_no_false_alarm(name: str) -> None:
    loaded = load_config(ROOT / "configs" / f"{name}.yaml", [])
    found = audit(load_data(loaded), loaded.experiment.data)
    assert not found.serious
    assert kinds(found) == SHIPPED[name]
    json.dumps(found.to_plain(), allow_nan=False)


def test_check_audit(nntrain: Command, points: Path) -> None:
    done = nntrain("check", points, "--audit")
    assert done.code == 0, done.err
    assert "audit: 0 serious" in done.out
    lines = Path("points.csv").read_text().splitlines()
    marked = [f"{line},{'copy' if i == 0 else line[-2:]}" for i, line in enumerate(lines)]
    Path("points.csv").write_text("\n".join(marked) + "\n")
    done = nntrain("check", points, "--audit")
    assert done.code == 5
    assert "SERIOUS: column `copy` copies the target `kind`" in done.out
    assert "error: 1 finding that makes scores worthless" in done.err
    done = nntrain("check", points, "--audit", "--json")
    assert done.code == 5
    found = json.loads(done.out)["audit"]
    assert found["serious"] == 1
    assert found["findings"][0]["kind"] == "target_copy"
    assert "audit" not in json.loads(nntrain("check", points, "--json").out)


@given(st.lists(st.integers(0, 5), min_size=2), st.lists(st.integers(0, 5), min_size=2))
def test_area_and_distance_by_the_book(a: list[int], b: list[int]) -> None:
    said, true = np.array([*a, *b], float), np.repeat([0, 1], [len(a), len(b)])
    pairs = [(y > x) + (y == x) / 2 for x in a for y in b]
    assert _area(said, true) == pytest.approx(np.mean(pairs))
    below = [abs(np.mean(np.array(a) <= v) - np.mean(np.array(b) <= v)) for v in range(6)]
    distance, chance = _distance(np.array(a, float)[:, None], np.array(b, float)[:, None])
    assert distance == pytest.approx(max(below))
    assert 0 <= chance <= 1


@given(st.lists(st.integers(0, 9), min_size=1))
def test_ranks_by_the_book(values: list[int]) -> None:
    wanted = [
        sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values
    ]
    assert _ranks(np.array(values)).tolist() == wanted
