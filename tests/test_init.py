"""`nntrain init`: configs that are read, fit to the data, and say why on each line."""

from __future__ import annotations

import csv
import gzip
import json
import math
import os
import random
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from nntrain.config import load
from nntrain.config.document import parse_document
from nntrain.config.tree import plain
from nntrain.draft.page import Line, page, scalar
from nntrain.families import to_plain
from tests.conftest import ROOT, Command

DATASETS = ROOT / "datasets"
SHIPPED = {
    "iris.csv": ["species"],
    "penguins.csv": ["species"],
    "titanic.csv": ["survived"],
    "digits.csv": ["digit"],
    "auto-mpg.csv": ["mpg"],
    "sunspots.csv": ["sunspots"],
    "japanese-vowels-train.ts": ["class"],
    "fashion-mnist-2500-images-idx3-ubyte.gz": ["label"],
    "paradise-lost.txt": [],
}
HOSTILE = (
    "a: b", "# x", 'say "x"', "it's", "null", "true", "1", "- x", "{a}", "[b]", "a, b", "tab\tin",
    "ünï", "日本", "☃ \U0001f600", "line\u2028end", "next\x85line", "&a", "*b", "!c", "%d", "@e",
    "`f`", "~", "a\\b", "1e5", "0x1f", "2020-01-01", ".inf", "no", "a#b", "a\nb", "x" * 300,
    "\x1b[1m",
)  # fmt: skip


def write(path: Path, columns: dict[str, list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(columns)
        out.writerows(zip(*columns.values(), strict=True))
    return path


def table(rows: int = 120) -> dict[str, list[object]]:
    """Two numbers, a word and a class that follows from them."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, rows)).round(4)
    words = [str(word) for word in rng.choice(["red", "blue"], rows)]
    kinds = ["in" if a + b > 0 else "out" for a, b in zip(x, y, strict=True)]
    return {"x": list(x), "y": list(y), "word": words, "kind": kinds}


def asked(targets: list[str]) -> list[str]:
    return [word for target in targets for word in ("--target", target)]


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_data_set_gets_a_config_that_fits(nntrain: Command, name: str) -> None:
    made = nntrain("init", DATASETS / name, *asked(SHIPPED[name]), "-o", "made.yaml")
    assert made.code == 0, made.err
    assert made.out == ""
    assert "next: nntrain fit made.yaml" in made.err
    text = Path("made.yaml").read_text(encoding="utf-8")
    without = [line for line in text.splitlines() if " #" not in line and not line.startswith("#")]
    assert not without
    checked = nntrain("check", "made.yaml")
    assert checked.code == 0, checked.err


@pytest.mark.parametrize(
    ("name", "score", "floor"),
    [
        ("iris.csv", "test_accuracy", 0.85),
        ("penguins.csv", "test_accuracy", 0.94),
        ("sunspots.csv", "test_rmse", -25.0),
    ],
)
def test_it_trains_well_as_it_stands(nntrain: Command, name: str, score: str, floor: float) -> None:
    assert nntrain("init", DATASETS / name, *asked(SHIPPED[name]), "-o", "made.yaml").code == 0
    fit = nntrain("fit", "made.yaml", "--json")
    assert fit.code == 0, fit.err
    found = json.loads(fit.out)["metrics"][score]
    assert found * (1 if floor > 0 else -1) >= floor


def test_the_page_shows_a_config_as_it_is(
    nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/init.md").read_text("utf-8"), re.DOTALL)
    assert shown == [nntrain("init", "datasets/penguins.csv", "--target", "species").out]


def test_stdout_has_the_config_and_nothing_else(nntrain: Command) -> None:
    write(Path("table.csv"), table())
    made = nntrain("init", "table.csv", "--target", "kind")
    assert made.code == 0
    Path("made.yaml").write_text(made.out, encoding="utf-8")
    loaded = load("made.yaml")
    assert loaded.experiment.data.path == "table.csv"
    assert "what is done" in made.err
    assert nntrain("init", "table.csv", "--target", "kind").out == made.out
    assert nntrain("init", "table.csv", "--target", "kind", "-q").err == ""


def test_the_path_is_relative_to_the_config(nntrain: Command) -> None:
    Path("data").mkdir()
    Path("configs").mkdir()
    write(Path("data/table.csv"), table())
    made = nntrain("init", "data/table.csv", "--target", "kind", "-o", "configs/made.yaml")
    assert made.code == 0
    assert load("configs/made.yaml").experiment.data.path == "../data/table.csv"
    assert nntrain("check", "configs/made.yaml").code == 0
    os.chdir("configs")
    assert nntrain("init", Path("../data/table.csv").resolve(), "--target", "kind").code == 0


def test_a_file_that_is_there_is_kept(nntrain: Command) -> None:
    write(Path("table.csv"), table())
    Path("made.yaml").write_text("mine", encoding="utf-8")
    made = nntrain("init", "table.csv", "--target", "kind", "-o", "made.yaml")
    assert made.code == 2
    assert "it is there already" in made.err
    assert Path("made.yaml").read_text(encoding="utf-8") == "mine"
    nowhere = nntrain("init", "table.csv", "--target", "kind", "-o", "no/made.yaml")
    assert nowhere.code == 6
    assert "can not be written" in nowhere.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["table.csv"], 2, "the columns are `x`, `y`, `word`, `kind`"),
        (["table.csv", "--target", "kin"], 2, "did you mean `kind`?"),
        (["table.csv", "--target", "kind", "--target", "kind"], 2, "named twice"),
        (["tabel.csv", "--target", "kind"], 3, "did you mean `table.csv`"),
        (["text.txt", "--target", "kind"], 2, "leave --target out"),
        (["one.csv", "--target", "kind"], 2, "`in` in every row"),
        (["empty.csv", "--target", "kind"], 2, "no row has a value"),
        (["alone.csv", "--target", "kind"], 3, "there is no other column"),
        (["constant.csv", "--target", "kind"], 3, "one value in all rows"),
        (["arrays.npz", "--target", "x"], 2, "an array in each row"),
        (["names.csv", "--target", "kind"], 2, "too many for classes"),
        (["latin.csv", "--target", "kind"], 3, "not UTF-8"),
        (["cut.csv.gz", "--target", "kind"], 3, "can not be unpacked"),
        (["ragged.csv", "--target", "kind"], 3, "expected 4 cells, found 5"),
        (["few.csv", "--target", "kind"], 3, "12 rows with a value in `kind`: too few"),
        (["header.csv", "--target", "kind"], 3, "no rows below the header"),
        (["data", "--target", "kind"], 3, "folder"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_can_not_be_is_told(nntrain: Command, words: list[str], code: int, told: str) -> None:
    full = table()
    write(Path("table.csv"), full)
    write(Path("one.csv"), full | {"kind": ["in"] * 120})
    write(Path("empty.csv"), full | {"kind": [""] * 120})
    write(Path("alone.csv"), {"kind": full["kind"]})
    write(Path("constant.csv"), {"kind": full["kind"], "x": [1] * 120})
    write(Path("names.csv"), full | {"kind": [f"name {row}" for row in range(120)]})
    np.savez("arrays.npz", x=np.zeros((9, 4, 4)), y=np.arange(9) % 2)
    good = Path("table.csv").read_bytes()
    Path("latin.csv").write_bytes(good.replace(b"word", "Größe".encode("latin-1")))
    Path("cut.csv.gz").write_bytes(gzip.compress(good)[:-20])
    Path("ragged.csv").write_bytes(good + b"1,2,red,in,5\n")
    write(Path("few.csv"), table(12))
    Path("header.csv").write_bytes(b"x,y,kind\n")
    Path("data").mkdir()
    Path("text.txt").write_text("some words\n" * 50, encoding="utf-8")
    failed = nntrain("init", *words)
    assert failed.code == code, failed.err
    assert told in failed.err
    assert failed.out == ""


@pytest.mark.parametrize("role", ["target", "id", "out", "input"])
@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_of_a_column_can_be_written(nntrain: Command, name: str, role: str) -> None:
    full = table(60)
    rows = len(full["x"])
    renamed: dict[str, list[object]] = {
        name if key == "word" else key: cells for key, cells in full.items()
    }
    if role == "id":
        renamed[name] = [f"row {number}" for number in range(rows)]
    elif role == "out":
        renamed[name] = [""] * rows
    write(Path("table.csv"), renamed)
    target = name if role == "target" else "kind"
    made = nntrain("init", "table.csv", f"--target={target}", "-o", "made.yaml")
    assert made.code == 0, made.err
    data = load("made.yaml").experiment.data
    assert data.targets == (target,)
    assert data.ids == ((name,) if role == "id" else ())
    assert data.features.exclude == ((name,) if role == "out" else ())
    assert nntrain("check", "made.yaml").code == 0


def test_odd_cells_are_missing_ones(nntrain: Command) -> None:
    full = table()
    full["x"][5], full["x"][7], full["y"][3] = "NA", "?", "n/a"
    rng = np.random.default_rng(0)
    full["mixed"] = [f"~{n}" if n % 3 == 0 else n for n in rng.integers(0, 99, 120).tolist()]
    write(Path("table.csv"), full)
    made = nntrain("init", "table.csv", "--target", "kind", "-o", "made.yaml")
    assert made.code == 0, made.err
    data = load("made.yaml").experiment.data
    assert set(data.na_values) == {"NA", "?", "n/a"}
    assert data.features.exclude == ("mixed",)
    assert nntrain("check", "made.yaml").code == 0


def test_another_delimiter_is_found(nntrain: Command) -> None:
    write(Path("table.csv"), table())
    text = Path("table.csv").read_text(encoding="utf-8").replace(",", ";")
    Path("table.csv").write_text(text, encoding="utf-8")
    made = nntrain("init", "table.csv", "--target", "kind", "-o", "made.yaml")
    assert made.code == 0, made.err
    assert nntrain("check", "made.yaml").code == 0


def test_numbers_and_comments_as_they_are_elsewhere(nntrain: Command) -> None:
    rng = np.random.default_rng(1)
    rows = [f"{a:.3f};{b:.1f};{'in' if a + b > 0 else 'out'}" for a, b in rng.normal(size=(80, 2))]
    text = "\n".join(["# of a logger", "a;b;kind", *rows]).replace(".", ",") + "\n"
    Path("rows.csv").write_text(text)
    assert nntrain("init", "rows.csv", "--target", "kind", "-o", "made.yaml", "-q").code == 0
    known = to_plain(load(Path("made.yaml")).experiment)["data"]["format"]
    assert known == {"type": "csv", "delimiter": ";", "decimal": ",", "comment": "#"}
    checked = nntrain("check", "made.yaml", "--json")
    assert json.loads(checked.out)["inputs"] == 2


def test_a_table_of_nothing_but_texts_is_read(nntrain: Command) -> None:
    rng = np.random.default_rng(1)
    words = {"good": ["fine", "great", "lovely"], "bad": ["poor", "awful", "dull"]}
    texts: list[object] = []
    kinds: list[str] = []
    for number in range(200):
        kinds.append("good" if number % 2 else "bad")
        some = rng.choice([*words[kinds[-1]] * 2, "the", "film", "was"], 7)
        texts.append(f"{number} {' '.join(some)}")
    write(Path("rows.csv"), {"text": texts, "kind": list(kinds)})
    assert nntrain("init", "rows.csv", "--target", "kind", "-o", "made.yaml", "-q").code == 0
    told = nntrain("fit", "made.yaml", "--json", "--set", "trainer.max_epochs=10")
    assert told.code == 0, told.err
    assert json.loads(told.out)["metrics"]["test_accuracy"] > 0.9


def test_a_rare_class_is_weighted_and_judged_by_the_order(nntrain: Command) -> None:
    full = table(400)
    full["kind"] = ["yes" if row % 25 == 0 else "no" for row in range(400)]
    write(Path("table.csv"), full)
    assert nntrain("init", "table.csv", "--target", "kind", "-o", "made.yaml").code == 0
    experiment = load("made.yaml").experiment
    assert getattr(experiment.loss, "class_weight", None) == "balanced"
    assert type(next(iter(experiment.metrics or ()))).__name__ == "RocAuc"
    assert nntrain("check", "made.yaml").code == 0


@pytest.mark.parametrize(
    ("cells", "loss", "transform"),
    [
        ([0, 1] * 60, "binary_cross_entropy", "none"),
        ([row % 5 for row in range(120)], "cross_entropy", "none"),
        (["a", "b", "c"] * 40, "cross_entropy", "none"),
        ([row % 40 for row in range(120)], "mean_squared_error", "none"),
        ([0.5 * (row % 7) for row in range(120)], "mean_squared_error", "none"),
        ([2.0 ** (row % 13) + 0.5 for row in range(120)], "mean_squared_error", "log"),
    ],
)
def test_the_target_tells_what_is_learned(
    nntrain: Command, cells: list[object], loss: str, transform: str
) -> None:
    write(Path("table.csv"), table() | {"kind": cells})
    assert nntrain("init", "table.csv", "--target", "kind", "-o", "made.yaml").code == 0
    experiment = load("made.yaml").experiment
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", type(experiment.loss).__name__).lower() == loss
    assert experiment.data.preprocessing.target.transform == transform
    assert nntrain("check", "made.yaml").code == 0


@pytest.mark.parametrize("targets", [["kind", "x"], ["x", "y"], ["kind", "word"], ["kind", "five"]])
def test_several_targets(nntrain: Command, targets: list[str]) -> None:
    write(Path("table.csv"), table() | {"five": [row % 5 for row in range(120)]})
    made = nntrain("init", "table.csv", *asked(targets), "-o", "made.yaml")
    assert made.code == 0, made.err
    assert load("made.yaml").experiment.data.targets == tuple(targets)
    checked = nntrain("check", "made.yaml")
    assert checked.code == 0, checked.err
    gated = Path("made.yaml").read_text(encoding="utf-8").replace("# expect:", "expect:")
    Path("made.yaml").write_text(gated, encoding="utf-8")
    checked = nntrain("check", "made.yaml")
    assert checked.code == 0, checked.err


@pytest.mark.parametrize(
    ("shape", "first"),
    [
        ((7,), "dense"), ((12, 12), "conv2d"), ((16, 16, 3), "conv2d"), ((5, 6), "conv2d"),
        ((50, 3), "dropout"), ((300, 2), "conv1d"), ((3, 4, 4, 2), "flatten"), ((40, 48), "conv2d"),
    ],
)  # fmt: skip
def test_arrays_get_a_network_of_their_kind(
    nntrain: Command, shape: tuple[int, ...], first: str
) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, *shape)).astype(np.float32)
    np.savez("arrays.npz", x=x, label=np.arange(60) % 3, beside=rng.normal(size=60))
    made = nntrain("init", "arrays.npz", "--target", "label", "-o", "made.yaml")
    assert made.code == 0, made.err
    experiment = load("made.yaml").experiment
    layer = type(experiment.model.layers[0]).__name__.lower()
    assert layer == first
    assert experiment.data.features.exclude == ("beside",)
    checked = nntrain("check", "made.yaml")
    assert checked.code == 0, checked.err


@pytest.mark.parametrize("rows", [300, 5400])
def test_rows_in_the_order_of_time_become_windows(nntrain: Command, rows: int) -> None:
    rng = np.random.default_rng(2)
    wave = np.sin(np.arange(rows) / 5) + 0.1 * rng.normal(size=rows)
    days = [f"{1990 + row // 12}-{row % 12 + 1:02d}-01" for row in range(rows)]
    write(
        Path("wave.csv"), {"day": list(days), "height": list(wave.round(4)), "x": list(wave)[::-1]}
    )
    made = nntrain("init", "wave.csv", "--target", "height", "-o", "made.yaml")
    assert made.code == 0, made.err
    data = load("made.yaml").experiment.data
    assert data.window is not None
    assert data.window.length > 1
    assert data.ids == ("day",)
    assert data.split.validation == (0.15 if rows > 5000 else 0.0)
    assert nntrain("check", "made.yaml").code == 0


GERMAN = 'Tag;"Ort; Halle, Tor";Druck;defekt\n' + "".join(
    f"{row % 28 + 1:02d}.{row % 12 + 1:02d}.2023;{'AB'[row % 2]};{row % 7},{row % 9};{row % 5}\n"
    for row in range(60)
)


def test_dates_that_are_not_written_as_iso_has_them(nntrain: Command) -> None:
    Path("werk.csv").write_text(GERMAN)
    made = nntrain("init", "werk.csv", "--target", "defekt", "-o", "made.yaml")
    assert made.code == nntrain("check", "made.yaml").code == 0
    data = load("made.yaml").experiment.data
    assert (data.columns, data.preprocessing.date.format) == ({"Tag": "date"}, "%d.%m.%Y")
    assert data.features.exclude == ()
    for column in ("Tag +date", "Ort; Halle, Tor +categorical", "Druck +numeric"):
        assert re.search(column, made.err)


def test_day_and_month_are_not_guessed(nntrain: Command) -> None:
    full = table(60)
    full["when"] = [f"0{row % 9 + 1}/0{row % 7 + 1}/2024" for row in range(60)]
    write(Path("table.csv"), full)
    made = nntrain("init", "table.csv", "--target", "x", "-o", "made.yaml")
    assert made.code == 0
    words = Path("made.yaml").read_text().replace("#", "").split()
    assert "day and month can not be told apart" in " ".join(words)
    assert "when" in load("made.yaml").experiment.data.features.exclude


def test_the_order_of_time_in_any_form(nntrain: Command) -> None:
    days = [date(2023, 1, 25) + timedelta(days=row) for row in range(300)]
    values: list[object] = [math.sin(row / 9) for row in range(300)]
    write(Path("table.csv"), {"day": [f"{d:%d.%m.%Y}" for d in days], "value": values})
    assert nntrain("init", "table.csv", "--target", "value", "-o", "made.yaml").code == 0
    data = load("made.yaml").experiment.data
    assert data.window is not None
    assert (data.ids, data.preprocessing.date.format) == (("day",), None)


def test_a_count_of_rows_is_no_time(nntrain: Command) -> None:
    full = table(200)
    full["number"] = list(range(1, 201))
    write(Path("table.csv"), full)
    assert nntrain("init", "table.csv", "--target", "x", "-o", "made.yaml").code == 0
    data = load("made.yaml").experiment.data
    assert data.window is None
    assert data.ids == ("number",)


def some_column(draw: random.Random, rows: int) -> list[object]:
    """Cells of a kind that is drawn: amounts, codes, words, ids, gaps, dates and odd ones."""
    kinds: list[Callable[[int], object]] = [
        lambda row: draw.random(),
        lambda row: draw.randrange(5),
        lambda row: draw.choice("abc"),
        lambda row: row,
        lambda row: f"r{row}",
        lambda row: draw.choice(["", 1, 2.5]),
        lambda row: "",
        lambda row: draw.choice(["NA", "x", 3, 4, 5, 6, 7, 8]),
        lambda row: draw.choice([True, False]),
        lambda row: f"{1950 + row // 365}-{row % 12 + 1:02d}-{row % 28 + 1:02d}",
        lambda row: row / 2 + draw.random(),
        lambda row: f"{draw.randrange(1, 29):02d}.{draw.randrange(1, 13):02d}.2024 07:30",
        lambda row: f"{draw.randrange(1, 13)}/{draw.randrange(1, 29)}/2024",
        lambda row: f"0{draw.randrange(1, 10)}/0{draw.randrange(1, 10)}/2024",
        lambda row: draw.choice(["nan", "inf", "1e400", "-5", 2]),
        lambda row: 10 ** draw.uniform(-3, 6),
        lambda row: draw.choice(["1.0", "1", "2", "02"]),
        lambda row: "k",
    ]
    kind = draw.choice(kinds)
    return [kind(row) for row in range(rows)]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_written_is_a_config_that_fits(nntrain: Command, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    rows = draw.choice([8, 25, 60, 150])
    columns = {f"c{number}": some_column(draw, rows) for number in range(draw.randrange(2, 6))}
    write(Path("table.csv"), columns)
    targets = draw.sample(list(columns), draw.choice([1, 1, 2]))
    made = nntrain("init", "table.csv", *asked(targets), "-o", "made.yaml")
    assert made.code in (0, 2, 3), made.err
    if made.code == 0:
        checked = nntrain("check", "made.yaml")
        assert checked.code == 0, checked.err


def test_a_page_has_a_comment_on_each_line() -> None:
    text = page([Line("a: 1", "why " * 60), Line("b: " + "x" * 200, "because")])
    assert all("#" in line for line in text.splitlines())


@pytest.mark.parametrize("text", HOSTILE)
def test_a_scalar_is_read_back(text: str) -> None:
    document = parse_document(f"key: {scalar(text)}  # note\n", "x.yaml")
    assert plain(document.root) == {"key": text}


def as_json_lines() -> str:
    names = list(table())
    rows = (dict(zip(names, row, strict=True)) for row in zip(*table().values(), strict=True))
    Path("rows.jsonl").write_text("".join(json.dumps(row, default=float) + "\n" for row in rows))
    return "rows.jsonl"


def as_parquet() -> str:
    import polars

    columns = {name: [float(c) if name in "xy" else c for c in cells]  # type: ignore[arg-type]
               for name, cells in table().items()}  # fmt: skip
    polars.DataFrame(columns).write_parquet("rows.parquet")
    return "rows.parquet"


def as_several_files() -> str:
    Path("shards").mkdir()
    for number in range(3):
        some = {name: cells[number::3] for name, cells in table().items()}
        write(Path(f"shards/{number}.csv"), some)
    return "shards/*.csv"


def as_images() -> str:
    from PIL import Image

    rng = np.random.default_rng(2)
    for number in range(60):
        folder = Path("photos", ("dark", "light")[number % 2])
        folder.mkdir(parents=True, exist_ok=True)
        points = rng.integers(0, 128, (8, 8)) + 120 * (number % 2)
        Image.fromarray(points.astype(np.uint8)).save(folder / f"{number}.png")
    return "photos"


@pytest.mark.parametrize("make", [as_json_lines, as_parquet, as_several_files, as_images])
def test_every_format_is_looked_at(nntrain: Command, make: Callable[[], str]) -> None:
    data = make()
    words = [] if make is as_images else ["--target", "kind"]
    assert nntrain("init", data, *words, "-o", "made.yaml", "-q").code == 0
    name = Path(data).parent.name if "*" in data else Path(data).stem
    assert load(Path("made.yaml")).experiment.name == name
    told = nntrain("fit", "made.yaml", "--json", "--set", "trainer.max_epochs=20")
    assert told.code == 0, told.err
    assert json.loads(told.out)["metrics"]["test_accuracy"] > 0.75


def test_it_names_the_schema_that_lies_beside(nntrain: Command, tmp_path: Path) -> None:
    data = ROOT / "datasets" / "iris.csv"
    nntrain("init", data, "--target", "species", "-o", "plain.yaml")
    (tmp_path / "nntrain.schema.json").write_text(nntrain("schema").out)
    nntrain("init", data, "--target", "species", "-o", "named.yaml")
    head = "# yaml-language-server: $schema=nntrain.schema.json\n"
    plain, named = ((tmp_path / f"{name}.yaml").read_text() for name in ("plain", "named"))
    assert named == head + plain
    assert nntrain("check", "named.yaml").code == 0
