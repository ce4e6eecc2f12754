"""Honesty: nothing is learned from rows that judge, and columns are what their names say.

Over every kind of column at once, and every config in `configs/`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nntrain.config import Loaded, load
from nntrain.data.columns import parse
from nntrain.data.dataset import Dataset
from nntrain.data.learning import learn
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.reading import read
from nntrain.data.report import Report
from nntrain.data.settings import Categorical, Data, Date, Numeric, Preprocessing
from nntrain.data.sources import Csv
from nntrain.data.table import Table, join
from nntrain.data.windows import all_beginnings, target_rows
from nntrain.families import Array
from nntrain.run.model import Model, build_model, named_vectors, read_model, write_model
from nntrain.training import evaluate as evaluation
from nntrain.training import predict as prediction
from tests.conftest import ROOT

ROWS = 60
KINDS: dict[str, Any] = {"code": "categorical", "odd day": "date"}
NAMES = ("number", "holes", "name", "code", "when", "odd day", "key", "weight", "target")

CHOICES: list[Any] = [
    ("standard", False, "median", "one_hot", "ignore", "most_frequent"),
    ("min_max", True, "mean", "ordinal", "category", "category"),
    ("robust", True, "most_frequent", "embedding", "category", "category"),
    ("rank_normal", True, "constant", "hashed", "ignore", "most_frequent"),
    ("none", False, "median", "embedding", "ignore", "most_frequent"),
]
HOWS = [
    Preprocessing(
        Numeric(scale=scale, missing_flag=flag, impute=impute),
        Categorical(encode=encode, unknown=unknown, impute=filled),
        Date(format="%d.%m.%Y"),
    )
    for scale, flag, impute, encode, unknown, filled in CHOICES
]
every_how = pytest.mark.parametrize(
    "how", HOWS, ids=[f"{scale}, {encode}" for scale, _, _, encode, _, _ in CHOICES]
)


def settings_of(how: Preprocessing, **more: Any) -> Data:
    return Data(
        path="", target="target", id="key", weight="weight", columns=KINDS,
        preprocessing=how, **more,
    )  # fmt: skip


def rows(seed: int, count: int = ROWS) -> list[dict[str, str]]:
    """Rows with a cell of every kind, some of them missing."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        day = np.datetime64("2021-03-05") + int(rng.integers(0, 900))
        year, month, number = str(day).split("-")
        found.append(
            {
                "number": repr(round(rng.normal(50, 20), 3)),
                "holes": "" if rng.random() < 0.3 else repr(round(rng.exponential(2), 4)),
                "name": rng.choice(["red", "green", "blue", "", f"rare {i % 7}"]),
                "code": str(rng.integers(1, 5)),
                "when": "" if rng.random() < 0.1 else f"{day}T{rng.integers(24):02d}:00",
                "odd day": f"{number}.{month}.{year}",
                "key": f"k{i}",
                "weight": repr(float(rng.integers(0, 4))),
                "target": repr(round(rng.normal(), 3)),
            }
        )
    return found


def table_of(found: list[dict[str, str]], names: tuple[str, ...] | list[str] = NAMES) -> Table:
    text = io.StringIO()
    csv.writer(text).writerows([names, *([row[name] for name in names] for row in found)])
    text.seek(0)
    return join(list(Csv().read(text)))


def learned(how: Preprocessing, seed: int = 0) -> tuple[Preprocessor, Data]:
    data = settings_of(how)
    table, columns = parse(table_of(rows(seed)), data)
    return learn(table, columns, np.arange(40), data, "numbers"), data


def model_of(how: Preprocessing) -> Model:
    """A network of one layer on all kinds of columns, with its first weights."""
    config = load_text(how)
    return build_model(config, learned(how)[0])


def load_text(how: Preprocessing) -> Any:
    from nntrain.config import parse as parse_config

    text = """\
data: {path: rows.csv, target: target}
model: {layers: [{type: dense, units: 5, activation: tanh}, {type: dense, units: auto}]}
loss: mean_squared_error
"""
    return replace(parse_config(text, ""), data=settings_of(how))


def answers(model: Model, table: Table) -> Array:
    known = model.preprocessor
    return evaluation.predict(model, known.features(table), known.lengths(table))


class TestColumns:
    """What the columns of a file are called decides, nothing else."""

    @every_how
    @settings(max_examples=8)
    @given(order=st.permutations(NAMES), seed=st.integers(0, 99))
    def test_permuting_them_changes_no_prediction(
        self, how: Preprocessing, order: list[str], seed: int
    ) -> None:
        model, found = model_of(how), rows(seed, 20)
        wanted = answers(model, table_of(found))
        assert answers(model, table_of(found, order)).tobytes() == wanted.tobytes()

    @every_how
    def test_dropping_target_weight_and_id_changes_no_prediction(self, how: Preprocessing) -> None:
        model, found = model_of(how), rows(5, 20)
        names = [name for name in NAMES if name not in ("target", "weight", "key")]
        wanted = answers(model, table_of(found))
        assert answers(model, table_of(found, names)).tobytes() == wanted.tobytes()
        spoiled = [{**row, "target": "?", "weight": "-1", "key": ""} for row in found]
        assert answers(model, table_of(spoiled)).tobytes() == wanted.tobytes()

    @every_how
    def test_more_of_them_change_no_prediction(self, how: Preprocessing) -> None:
        model, found = model_of(how), rows(6, 20)
        more = [{**row, "more": str(i), "Number": "x"} for i, row in enumerate(found)]
        table, report = table_of(more, ["more", *NAMES, "Number"]), Report()
        wanted = answers(model, table_of(found))
        assert answers(model, table).tobytes() == wanted.tobytes()
        model.preprocessor.features(table, report)
        assert report.extra == ("more", "Number")

    @every_how
    def test_learning_does_not_depend_on_their_order_but_for_the_inputs(
        self, how: Preprocessing
    ) -> None:
        data, found = settings_of(how), rows(0)
        one = learned(how)[0]
        table, columns = parse(table_of(found, NAMES[::-1]), data)
        other = learn(table, columns, np.arange(40), data, "numbers")
        assert {f.name: f for f in one.feature_columns} == {
            f.name: f for f in other.feature_columns
        }
        assert one.target_columns == other.target_columns


class TestRows:
    """What judges teaches nothing."""

    @every_how
    @settings(max_examples=10)
    @given(seed=st.integers(0, 999), data=st.data())
    def test_changing_rows_that_judge_changes_no_statistic(
        self, how: Preprocessing, seed: int, data: st.DataObject
    ) -> None:
        """Every cell of some of them gets another value of its kind."""
        before = learned(how)[0]
        changed = rows(0)
        strange = rows(seed + 1000)
        for row in data.draw(st.sets(st.integers(40, ROWS - 1), min_size=1)):
            changed[row] = {**strange[row], "key": changed[row]["key"]}
            changed[row]["number"] = repr(1e6 * seed)
            changed[row]["name"] = f"never {seed}"
        settings = settings_of(how)
        table, columns = parse(table_of(changed), settings)
        after = learn(table, columns, np.arange(40), settings, "numbers")
        assert json.dumps(after.to_plain()) == json.dumps(before.to_plain())

    @every_how
    def test_changing_them_in_the_file_changes_nothing_of_training(
        self, how: Preprocessing, tmp_path: Path
    ) -> None:
        data, found = settings_of(how), rows(0)
        strange = rows(77)
        before = self._load(tmp_path / "rows.csv", data, found)
        judging = np.concatenate([before.parts[name].rows for name in ("validation", "test")])
        for row in judging:
            found[row] = {**strange[row], "number": repr(1e7), "name": f"never {row}"}
        after = self._load(tmp_path / "rows.csv", data, found)
        assert after.preprocessor == before.preprocessor
        assert after.parts["train"].x.tobytes() == before.parts["train"].x.tobytes()
        assert after.parts["test"].x.tobytes() != before.parts["test"].x.tobytes()

    def _load(self, path: Path, data: Data, found: list[dict[str, str]]) -> Dataset:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, NAMES)
            writer.writeheader()
            writer.writerows(found)
        return Dataset.load(data, path, "numbers", 3)

    def test_of_a_text_column_too(self) -> None:
        data = Data(path="", target="y", columns={"t": "text"})
        texts = ["a b a", "b c b", "c a", "b"]
        found = []
        for last in ("a b", "new new words new"):
            cells = [{"t": text, "y": str(i)} for i, text in enumerate([*texts, last])]
            table, columns = parse(table_of(cells, ["t", "y"]), data)
            found.append(learn(table, columns, np.arange(4), data, "numbers").to_plain())
        assert found[0] == found[1]

    @every_how
    def test_a_model_file_keeps_every_bit(self, how: Preprocessing, tmp_path: Path) -> None:
        model = model_of(how)
        write_model(tmp_path / "m.safetensors", model, named_vectors(model.network))
        again = read_model(tmp_path / "m.safetensors")
        table = table_of(rows(8, 25))
        assert answers(again, table).tobytes() == answers(model, table).tobytes()

    @every_how
    @pytest.mark.parametrize("size", [1, 7])
    def test_chunks_are_the_whole(self, how: Preprocessing, size: int) -> None:
        known, table = learned(how)[0], table_of(rows(9))
        parts = [known.features(table.take(slice(i, i + size))) for i in range(0, ROWS, size)]
        assert np.concatenate(parts).tobytes() == known.features(table).tobytes()


# Predict and eval, over all configs

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
FEW = 24  # rows that are compared


def untrained(loaded: Loaded, tmp_path: Path) -> tuple[Model, Dataset]:
    """The network of a config with its first weights, through a model file."""
    experiment = loaded.experiment
    dataset = Dataset.load(
        experiment.data, loaded.data_path, experiment.loss.goal, experiment.seed,
        test_path=loaded.test_path,
    )  # fmt: skip
    model = build_model(experiment, dataset.preprocessor)
    write_model(tmp_path / "model.safetensors", model, named_vectors(model.network))
    return read_model(tmp_path / "model.safetensors"), dataset


def one_at_a_time(rows: int, width: int) -> Iterator[slice]:
    return (slice(at, at + 1) for at in range(rows))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_predict_computes_what_eval_computes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the raw file, to the bit, a row at a time in both."""
    seen: list[Array] = []
    monkeypatch.setattr(evaluation, "blocks", one_at_a_time)
    monkeypatch.setattr(prediction, "PORTION", FEW)

    def seeing(model: Model, x: Array, lengths: Array | None = None, **_: object) -> Array:
        seen.append(evaluate(model, x, lengths))
        return seen[-1]

    evaluate = evaluation.predict
    monkeypatch.setattr(prediction, "predict", seeing)
    monkeypatch.setattr("nntrain.threads._allowed", 1)  # so that the first block is seen first
    loaded = load(path)
    model, dataset = untrained(loaded, tmp_path)
    known = model.preprocessor
    if known.tokens:
        pytest.skip("a text has no rows to predict: it goes on")
    file = (loaded.test_path or loaded.data_paths)[0]
    table = read(loaded.experiment.data, file)
    first = next(prediction.predictions(model, file, Report()))
    assert len(first) == len(prediction.columns(model))
    shown = seen[0]
    numbers = np.arange(len(shown))
    if known.window:
        numbers = target_rows(all_beginnings(len(table), known.window), known.window)[: len(shown)]
    every = Part.from_table(table, known)  # what eval --data has
    parts = dataset.parts if loaded.test_path is None else {"test": dataset.parts["test"]}
    compared = 0
    for part in (every, *parts.values()):
        own = part.take(np.flatnonzero(np.isin(part.rows, numbers)))
        if len(own):
            wanted = evaluate(model, own.x, own.lengths)
            places = np.searchsorted(numbers, own.rows)
            assert shown[places].tobytes() == wanted.tobytes()
            compared += len(own)
    assert compared >= FEW
