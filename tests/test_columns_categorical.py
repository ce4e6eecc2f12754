"""Categories: by number, by hash, embedded, rare ones together; unseen ones are always answered."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.data.categories import Categories, Embedded, Hashed, OneHot, Ordinal
from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.settings import Categorical, Data
from nntrain.errors import DataError, MachineError
from nntrain.families import Array, Builder, Built, Layer, Shape
from nntrain.layers import Dense
from nntrain.layers.lookup import LearnedTable, Lookup
from nntrain.network import Network, plan
from tests.cases import finite_differences, over, reference
from tests.conftest import Command
from tests.test_data_columns import table_of
from tests.test_data_preprocessing import categorical, learned

KINDS: dict[str, Any] = {
    "one_hot": OneHot, "ordinal": Ordinal, "hashed": Hashed, "embedding": Embedded,
}  # fmt: skip
every_encoding = over("encode", list(KINDS))


def feature(cells: list[str], encode: str = "one_hot", **how: Any) -> Any:
    settings = Categorical(encode=encode, **how)  # type: ignore[arg-type]
    table = table_of(c=cells, other=["1"] * len(cells))
    return KINDS[encode].learn(table, "c", (), settings)


def inputs(found: Any, cells: list[str], report: Report | None = None) -> Array:
    """The inputs of other rows, (C, N)."""
    out = np.empty((len(found.inputs), len(cells)), np.float32)
    found.write(table_of(c=cells, other=["1"] * len(cells)), (), out, report or Report())
    return out


class TestScikitLearn:
    entry = reference("sklearn")["columns categories"]

    def test_one_hot(self) -> None:
        x = inputs(feature(self.entry["column"]), self.entry["others"])
        assert x.T.tolist() == self.entry["one hot"]

    def test_rare_ones_together_and_unseen_with_them(self) -> None:
        found = feature(self.entry["column"], unknown="category", min_count=4)
        assert inputs(found, self.entry["others"]).T.tolist() == self.entry["rare together"]
        assert found.inputs[-1] == "c=…"

    def test_numbers(self) -> None:
        found = feature(self.entry["column"], "embedding")
        assert inputs(found, self.entry["others"])[0].tolist() == self.entry["numbers"]
        ordinal = feature(self.entry["column"], "ordinal")
        x = inputs(ordinal, self.entry["others"])[0] * ordinal.scale + ordinal.shift
        seen = np.array(self.entry["numbers"]) >= 0
        np.testing.assert_allclose(x[seen], np.array(self.entry["numbers"])[seen], rtol=1e-6)


def test_ordinal_numbers_have_mean_0_and_deviation_1() -> None:
    cells = ["b", "a", "c", "a", "b", "b"]
    x = inputs(feature(cells, "ordinal"), cells)[0]
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=1e-6)
    assert inputs(feature(cells, "ordinal"), ["zebra"])[0].tolist() == [0]
    assert x[2] > x[0] > x[1]


@pytest.mark.parametrize("n, width", [(2, 2), (3, 3), (10, 6), (100, 21), (1000, 50), (5000, 50)])
def test_the_width_of_an_embedding(n: int, width: int) -> None:
    found = feature([f"c{i}" for i in range(n)], "embedding")
    assert found.dimensions == width
    assert feature(["a", "b"], "embedding", dimensions=7).dimensions == 7


def test_hashes_are_stable() -> None:
    cells = ["red", "größer, gelb", "日本"]
    found = feature(cells, "hashed", buckets=5)
    assert found.inputs == tuple(f"c bucket {i}" for i in range(5))
    wanted = [zlib.crc32(cell.encode()) % 5 for cell in [*cells, "never seen"]]
    x = inputs(found, [*cells, "never seen"])
    assert x.argmax(axis=0).tolist() == wanted == [0, 2, 1, 0]
    assert (x.sum(axis=0) == 1).all()


def test_numbers_that_are_categories_are_hashed_by_value() -> None:
    x = inputs(feature(["1", "2", "10"], "hashed"), ["1", "1.0", "01", "2"])
    assert (x[:, 0] == x[:, 1]).all()
    assert (x[:, 0] == x[:, 2]).all()
    assert (x[:, 0] != x[:, 3]).any()


@every_encoding
def test_missing_cells(encode: str) -> None:
    """As the most frequent one, as a category of its own, or as a constant."""
    cells = ["a", "b", "b", "", "c"]
    for how in ({}, {"impute": "constant", "fill": "b"}):
        x = inputs(feature(cells, encode, **how), ["", "b", "a"])
        assert (x[:, 0] == x[:, 1]).all()
        assert (x[:, 0] != x[:, 2]).any()
    x = inputs(feature(cells, encode, impute="category"), ["", "a", "b", "c", "z"])
    assert len({column.tobytes() for column in x.T[:4]}) == 4
    unseen = feature(cells, encode, impute="constant", fill="none")  # a category that is not there
    x = inputs(unseen, ["", "none", "a"])
    assert (x[:, 0] == x[:, 1]).all()
    assert (x[:, 0] != x[:, 2]).any()


@every_encoding
def test_unseen_categories(encode: str) -> None:
    cells, report = ["a", "a", "b", "b", "b", "z"], Report()
    x = inputs(feature(cells, encode), ["a", "new", "b", "new"], report)
    assert (x[:, 1] == x[:, 3]).all()
    if encode == "hashed":
        assert x[:, 1].sum() == 1
        assert report.lines() == []
        return
    assert report.lines() == ["`c`: 2 cells with a category that no training row had (`new`)"]
    assert x[0, 1] == (-1 if encode == "embedding" else 0)
    with pytest.raises(DataError, match="line 3 has `new`, a category that no training row had"):
        inputs(feature(cells, encode, unknown="error"), ["a", "new"])
    report = Report()
    x = inputs(feature(cells, encode, unknown="category"), ["a", "new", "b", "z"], report)
    assert (x[:, 1] == x[:, 3]).all()
    assert len({column.tobytes() for column in x.T[:3]}) == 3
    few = "`c`: 2 cells with a category that fewer than 2 training rows had (`new`, `z`)"
    assert report.lines() == [few]


def test_unseen_ones_are_no_category_where_training_rows_have_nothing_like_it() -> None:
    """An input that is 0 in every training row would keep its first weights."""
    found = feature(["a", "a", "b", "b"], unknown="category")
    assert found.inputs == ("c=a", "c=b")
    assert inputs(found, ["new"])[:, 0].tolist() == [0, 0]


def test_rare_ones_without_a_category_of_their_own() -> None:
    found = feature(["a", "a", "b"], min_count=2)
    assert found.inputs == ("c=a",)
    assert inputs(found, ["b", "a"]).tolist() == [[0, 1]]


def test_rare_ones_are_told_where_they_are_learned_from(tmp_path: Path) -> None:
    """They are met in training rows, so it is not said that no training row had them."""
    path = tmp_path / "rows.csv"
    cells = ["a", "b"] * 30 + ["once"]
    path.write_text("\n".join(["c,y", *(f"{cell},{i}" for i, cell in enumerate(cells))]) + "\n")
    data = Data(path="x", target="y", preprocessing=categorical(min_count=2))
    found = Dataset.load(data, path, "numbers", 0)
    told = "`c`: 1 cell with a category that fewer than 2 training rows had (`once`)"
    assert told in found.notes


def test_all_of_them_rare() -> None:
    with pytest.raises(DataError, match="no feature gives an input") as caught:
        learned("c,y a,1 b,2 a,3", target="y", preprocessing=categorical(min_count=9))
    assert "min_count" in caught.value.problem.hint


@every_encoding
def test_a_round_trip_to_the_bit(encode: Any) -> None:
    text = "c,d,y a,u,1 b,v,2 a,,3 ,u,4 z,w,5"
    how = categorical(encode=encode, impute="category")
    before = learned(text, target="y", preprocessing=how)
    after = Preprocessor.from_plain(before.to_plain())
    assert after == before
    table = table_of(d=["u", "", "q"], c=["", "b", "a"])
    assert before.features(table).tobytes() == after.features(table).tobytes()


@pytest.mark.parametrize(
    "encode, change", [("embedding", {"dimensions": 0}), ("hashed", {"buckets": 0}),
                       ("ordinal", {"scale": 0.0}), ("embedding", {"fill": "q"})]
)  # fmt: skip
def test_damage(encode: Any, change: dict[str, Any]) -> None:
    plain = learned("c,y a,1 b,2", target="y", preprocessing=categorical(encode=encode)).to_plain()
    plain["features"][0] |= change
    with pytest.raises(MachineError, match="damaged preprocessing"):
        Preprocessor.from_plain(plain)


def test_notes_say_what_is_done() -> None:
    cells = ["a", "a", "b", "b", ""]
    notes = {encode: feature(cells, encode).note for encode in KINDS}
    assert notes == {
        "one_hot": "one-hot: `a`, `b`; missing is `a`",
        "ordinal": "(number - 0.4) / 0.4899 of `a`, `b`; missing is `a`",
        "hashed": "32 buckets by hash; missing is `a`",
        "embedding": "embedded in 2 numbers: `a`, `b`; missing is `a`",
    }
    assert isinstance(feature(cells), Categories)


# The lookup


class AsLayer(Layer):
    """Lets the lookup stand where layers do, for the tests alone."""

    def __init__(self, lookup: Lookup):
        self.lookup = lookup

    def build(self, shape: Shape, store: Builder) -> Built:
        return self.lookup.build(shape, store)


Layer.kinds.pop("as_layer")
TABLES = {"b": LearnedTable(3, 4, 3), "a": LearnedTable(1, 3, 2)}
LOOKUP = Lookup(TABLES)


def rows(rng: np.random.Generator, *shape: int) -> Array:
    x = rng.normal(size=(*shape, 5))
    x[..., 1] = rng.integers(-1, 3, shape)
    x[..., 3] = rng.integers(-1, 5, shape)  # 4 is none of the table's
    return x


def test_places_behind_the_lookup() -> None:
    columns = {"n": slice(0, 1), "a": slice(1, 2), "m": slice(2, 3), "b": slice(3, 4),
               "k": slice(4, 5)}  # fmt: skip
    assert LOOKUP.places(columns) == {
        "n": slice(0, 1), "a": slice(1, 3), "m": slice(3, 4), "b": slice(4, 7), "k": slice(7, 8),
    }  # fmt: skip


@pytest.mark.parametrize("shape", [(6,), (6, 4)])
def test_the_lookup_is_one_hot_times_a_table(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    network = Network([AsLayer(LOOKUP)], (*shape[1:], 5), dtype=np.float64, input_gradient=True)
    x = rows(rng, *shape)
    kept = x.copy()
    E = network.store.weights
    hot = {
        name: np.eye(table.rows)[np.clip(x[..., table.place].astype(int), 0, table.rows - 1)]
        * ((x[..., table.place] >= 0) & (x[..., table.place] < table.rows))[..., None]
        for name, table in TABLES.items()
    }
    wanted = np.concatenate(
        [x[..., :1], hot["a"] @ E["layers.0.a"], x[..., 2:3], hot["b"] @ E["layers.0.b"],
         x[..., 4:]], axis=-1,
    )  # fmt: skip
    y, backward = network(x, Call(training=True))
    np.testing.assert_array_equal(y, wanted)
    dy = rng.normal(size=y.shape)
    before = dy.copy()
    network.store.grad[:] = np.nan  # what is there is set, not added to
    dx = backward(dy)
    assert dx is not None
    np.testing.assert_array_equal(dx[..., [0, 2, 4]], dy[..., [0, 3, 7]])
    assert not dx[..., [1, 3]].any()
    for name, place in (("a", slice(1, 3)), ("b", slice(4, 7))):
        flat = hot[name].reshape(-1, TABLES[name].rows)
        summed = flat.T @ dy[..., place].reshape(len(flat), -1)
        np.testing.assert_allclose(network.store.gradients[f"layers.0.{name}"], summed, atol=1e-14)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(dy, before)


def test_two_forwards_then_their_backwards() -> None:
    rng = np.random.default_rng(4)
    network = Network([AsLayer(LOOKUP)], (5,), dtype=np.float64)
    found = []
    for order in ((0, 1), (1, 0)):
        rng = np.random.default_rng(4)
        passes = [network(rows(rng, 6)) for _ in range(2)]
        grads: dict[int, Array] = {}
        for i in order:
            passes[i][1](np.full_like(passes[i][0], i + 1.0))
            grads[i] = network.store.grad.copy()
        found.append([grads[0].tobytes(), grads[1].tobytes()])
    assert found[0] == found[1]


def test_gradients_through_a_network() -> None:
    rng = np.random.default_rng(5)
    network = Network(
        [Dense(3), Dense(2)], (5,), dtype=np.float64,
        columns={"n": slice(0, 1), "a": slice(1, 2)}, lookup=LOOKUP,
    )  # fmt: skip
    x, dy = rows(rng, 7), rng.normal(size=(7, 2))
    _, backward = network(x)
    backward(dy)
    found = network.store.grad.copy()
    wanted = finite_differences(lambda: float((network(x)[0] * dy).sum()), network.store.theta)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)
    assert [row.path for row in plan([Dense(3)], (5,), {}, LOOKUP).layers] == [
        "columns", "layers.0",
    ]  # fmt: skip


def test_padding_teaches_nothing() -> None:
    rng = np.random.default_rng(6)
    network = Network([AsLayer(LOOKUP)], (4, 5), dtype=np.float64)
    x, lengths = rows(rng, 3, 4), np.array([4, 2, 1])
    grads = []
    for _ in range(2):
        y, backward = network(x, Call(lengths=lengths))
        dy = np.ones_like(y)
        dy[np.arange(4) >= lengths[:, None]] = 7.0
        backward(dy)
        grads.append(network.store.grad.copy())
        for row, n in enumerate(lengths):
            x[row, n:] = 2.0
    np.testing.assert_array_equal(grads[0], grads[1])


CONFIG = """\
data:
  path: rows.csv
  target: y
  preprocessing: {{categorical: {{encode: embedding, dimensions: 3}}}}
model:
  layers:
{layers}
    - {{type: dense, units: auto}}
loss: binary_cross_entropy
optimizer: {optimizer}
trainer: {{max_epochs: 25, batch_size: 16}}
"""
HIDDEN = "    - {type: dense, units: 8, activation: tanh}"
GRAPH = """\
    - type: graph
      inputs: {left: [c], right: [a]}
      nodes:
        l: {input: left, layers: [{type: dense, units: 4, activation: tanh}]}
        r: {input: right, layers: [{type: dense, units: 4, activation: tanh}]}
        both: {input: [l, r], combine: concatenate}
      outputs: both"""


def write(folder: Any, layers: str = HIDDEN, optimizer: str = "{type: adam, learning_rate: 0.05}"):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(7)
    lines = ["a,c,y"]
    for _ in range(200):
        c = rng.choice(list("abcdefgh"))
        lines.append(f"{rng.normal():.3f},{c},{'yes' if c in 'acfh' else 'no'}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    (folder / "rows.yaml").write_text(CONFIG.format(layers=layers, optimizer=optimizer))
    return folder / "rows.yaml"


@over("layers", [HIDDEN, GRAPH])
def test_an_embedding_is_learned_kept_and_used(
    layers: str, nntrain: Command, tmp_path: Any
) -> None:
    config = write(tmp_path, layers)
    done = nntrain("fit", config, "-o", "run")
    assert done.code == 0, done.err
    assert "columns" in done.err or "columns" in done.out
    assert "lookup" in done.err + done.out
    gate = nntrain("eval", "run", "--fail-under", "accuracy=0.95")
    assert gate.code == 0, gate.out + gate.err
    checked = nntrain("check", config, "--gradients")
    assert checked.code == 0, checked.out
    assert "columns.c" in checked.out
    said = nntrain("predict", "run", "rows.csv")
    assert said.code == 0
    answers = [line.split(",")[1] for line in said.out.splitlines()[1:]]
    truth = [line.split(",")[2] for line in (tmp_path / "rows.csv").read_text().splitlines()[1:]]
    assert np.mean([a == t for a, t in zip(answers, truth, strict=True)]) > 0.95
    (tmp_path / "new.csv").write_text("c,a\nzebra,0.1\n")
    new = nntrain("predict", "run", "new.csv")
    assert "`c`: 1 cell with a category that no training row had (`zebra`)" in new.err


def test_the_table_can_be_a_group_of_the_optimizer(nntrain: Command, tmp_path: Any) -> None:
    groups = "{type: adam, groups: [{layers: [columns], frozen: true}]}"
    config = write(tmp_path, optimizer=groups)
    assert nntrain("fit", config, "-o", "run").code == 0
    from nntrain.run.model import build_model, read_model

    model = read_model(tmp_path / "run" / "model.safetensors")
    first = build_model(model.experiment, model.preprocessor)
    name = "columns.c"
    np.testing.assert_array_equal(
        model.network.store.weights[name], first.network.store.weights[name]
    )


def test_embeddings_need_a_target(nntrain: Command, tmp_path: Any) -> None:
    config = write(tmp_path)
    config.write_text(
        config.read_text().replace("  target: y\n", "").replace("binary_cross_entropy",
                                                               "mean_squared_error")
    )  # fmt: skip
    done = nntrain("check", config)
    assert done.code == 2
    assert "numbers of categories are no amounts" in done.err
