"""ONNX: every layer, random networks and whole runs say in another program what they say here."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from nntrain.call import Call
from nntrain.export import activations, layers
from nntrain.export.compare import ENOUGH
from nntrain.export.graph import Graph, Value
from nntrain.families import Activation, Array, Layer, Shape
from nntrain.layers import ActivationLayer, Dense, Tanh
from nntrain.network import Network
from nntrain.run.model import named_vectors
from tests.cases import ACTIVATIONS, LAYERS, LayerCase
from tests.conftest import ROOT, Command
from tests.networks import SHAPES, columns_of, drawn
from tests.test_random_networks import cases, ready

DATASETS = ROOT / "datasets"


def exported(network: Network, given: Sequence[Layer], shape: Shape, columns: Any = None) -> bytes:
    """A model of layers alone: `x` in, `y` out."""
    graph = Graph(named_vectors(network))
    graph.columns = columns or {}
    x = graph.input("x", np.float32, ["rows", *shape])
    y = layers.chained(graph, given, Value(x, shape))
    graph.output(y.name, "y", np.float32, ["rows", *y.shape])
    model = graph.model("test", {}, "", "0")
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def by_runtime(model: bytes, x: Mapping[str, Array]) -> dict[str, Array]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(x)), strict=True))


def assert_near(found: Array, expected: Array) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=ENOUGH * max(1.0, float(np.abs(expected).max()))
    )


def moved(network: Network, by: float = 0.3) -> Network:
    """With weights and running statistics that are not the first ones."""
    rng = np.random.default_rng(0)
    for name, values in named_vectors(network).items():
        values += (by * rng.normal(size=values.shape)).astype(values.dtype)
        if name.endswith("variance"):
            np.abs(values, out=values)
    return network


ALL = (*LAYERS, *(LayerCase(ActivationLayer(f), (3, 5)) for f in ACTIVATIONS))


@pytest.mark.parametrize("case", ALL, ids=str)
def test_every_layer_says_the_same_in_onnx(case: LayerCase) -> None:
    network = moved(Network((case.layer,), case.shape, 3))
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, *case.shape)).astype(np.float32)
    if case.layer.kind == "embedding":
        x = rng.integers(-1, 6, x.shape).astype(np.float32)
    expected = network(x, Call())[0]
    model = exported(network, (case.layer,), case.shape)
    assert_near(by_runtime(model, {"x": x})["y"], expected)
    evaluator: Any = ReferenceEvaluator(onnx.load_from_string(model))
    assert_near(evaluator.run(None, {"x": x})[0], expected)


@given(st.data())
@drawn(200)
def test_random_networks_say_the_same_in_onnx(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(SHAPES)))
    case = data.draw(cases(kind))
    large = ready(case)
    columns = columns_of(case.columns)
    network = Network(case.layers, case.shape, columns=columns)
    for name, values in named_vectors(network).items():
        np.copyto(values, named_vectors(large)[name])
    x = case.x().astype(np.float32)
    expected = network(x, Call())[0]
    model = exported(network, case.layers, case.shape, columns)
    assert_near(by_runtime(model, {"x": x})["y"], expected)


def test_a_layer_or_an_activation_without_a_form_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network((Dense(2, activation=Tanh()),), (3,))
    monkeypatch.delitem(activations.WRITERS, Tanh)
    with pytest.raises(Exception, match=r"layers\.0 has the activation `tanh`, which has no form"):
        exported(network, (Dense(2, activation=Tanh()),), (3,))
    monkeypatch.delitem(layers.WRITERS, Dense)
    with pytest.raises(Exception, match=r"layers\.0 is a `dense`, which has no form in ONNX"):
        exported(network, (Dense(2, activation=Tanh()),), (3,))


def test_every_kind_of_layer_and_activation_has_a_form() -> None:
    written = layers.writers()
    ours = [kind for kind in Layer.kinds.values() if kind.__module__.startswith("nntrain.")]
    assert [kind.__name__ for kind in ours if kind not in written] == []
    ours = [kind for kind in Activation.kinds.values() if kind.__module__.startswith("nntrain.")]
    assert [kind.__name__ for kind in ours if kind not in activations.WRITERS] == []


def rows_of(path: Path, model: bytes, count: int = 40) -> dict[str, Array]:
    """The cells of a CSV file as the inputs of a model: numbers where it takes numbers, else text.

    Nothing of nntrain reads here, as nothing of it will where the model is used.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:count]
    found = {}
    for each in onnx.load_from_string(model).graph.input:
        cells = [row[each.name] for row in rows]
        if each.type.tensor_type.elem_type == onnx.TensorProto.STRING:
            found[each.name] = np.array(cells, dtype=object)[:, None]
        else:
            found[each.name] = np.array([float(cell or "nan") for cell in cells])[:, None]
    return found


@pytest.mark.parametrize("name", ["penguins", "titanic", "iris", "digits", "auto-mpg"])
def test_raw_rows_in_classes_out(nntrain: Command, tmp_path: Path, name: str) -> None:
    config = ROOT / "configs" / f"{name}.yaml"
    sets = ("--set", "trainer.max_epochs=3", "--set", "expect={}")
    assert nntrain("fit", config, "-q", "-o", "run", *sets).code == 0
    done = nntrain("export", "run", "m.onnx")
    assert done.code == 0, done.err
    assert "m.onnx: " in done.out
    assert nntrain("predict", "run", DATASETS / f"{name}.csv", "-o", "p.csv").code == 0
    model = (tmp_path / "m.onnx").read_bytes()
    found = by_runtime(model, rows_of(DATASETS / f"{name}.csv", model))
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        ours = list(csv.DictReader(file))[:40]
    if "probability" in found:
        assert found["prediction"].tolist() == [row["prediction"] for row in ours]
        classes = [key for key in ours[0] if key.startswith("probability_")]
        expected = np.array([[float(row[key]) for key in classes] for row in ours])
        assert_near(found["probability"], expected.astype(np.float32))
    else:
        expected = np.array([[float(row["prediction"])] for row in ours])
        assert_near(found["prediction"], expected)


@pytest.mark.parametrize(
    "name", ["sunspots", "japanese-vowels", "penguins-heads", "digits-autoencoder"]
)
def test_other_shipped_configs_export(nntrain: Command, tmp_path: Path, name: str) -> None:
    """The command compares; onnxruntime loads what it wrote."""
    config = ROOT / "configs" / f"{name}.yaml"
    sets = ("--set", "trainer.max_epochs=1", "--set", "expect={}")
    assert nntrain("fit", config, "-q", "-o", "run", *sets).code == 0
    done = nntrain("export", "run", "m.onnx")
    assert done.code == 0, done.err
    session = onnxruntime.InferenceSession((tmp_path / "m.onnx").read_bytes())
    assert next(each.name for each in session.get_outputs()).startswith("prediction")


TABLE = """\
data:
  path: rows.csv
  target: y
  na_values: ["?"]
  columns: {size: categorical, name: categorical, when: date, rank: categorical}
  preprocessing:
    numeric: {missing_flag: true, scale: SCALE}
    categorical: {encode: ENCODE, unknown: UNKNOWN, impute: category}
    target: {transform: log1p}
model: {layers: [{type: dense, units: 8, activation: mish}, {type: dense, units: auto}]}
loss: mean_squared_error
trainer: {max_epochs: 3, batch_size: 16}
"""


def write_table(folder: Path, *, dates: bool) -> None:
    rng = np.random.default_rng(0)
    lines = ["a,b,size,name,rank,when,y" if dates else "a,b,size,name,rank,y"]
    for i in range(120):
        a = "?" if i % 11 == 0 else f"{rng.normal():.3f}"
        name = "" if i % 13 == 0 else str(rng.choice(["x", "y z", "ü", "rare" if i < 3 else "x"]))
        cells = [a, str(i % 7), str(rng.integers(1, 4)), name, str(rng.choice(["u", "v"]))]
        cells += [f"2024-0{1 + i % 9}-11"] * dates
        lines.append(",".join([*cells, f"{abs(rng.normal()) * 10:.4f}"]))
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("encode", ["one_hot", "ordinal", "embedding", "hashed"])
@pytest.mark.parametrize("scale", ["standard", "rank_normal", "robust"])
def test_kinds_of_columns(nntrain: Command, tmp_path: Path, encode: str, scale: str) -> None:
    write_table(tmp_path, dates=encode == "hashed")
    text = TABLE.replace("ENCODE", encode).replace("SCALE", scale)
    text = text.replace("UNKNOWN", "category" if encode == "ordinal" else "ignore")
    if encode != "hashed":
        text = text.replace(", when: date", "")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    fitted = nntrain("fit", "c.yaml", "-q", "-o", "run")
    assert fitted.code == 0, fitted.err
    done = nntrain("export", "run", "m.onnx")
    assert done.code == 0, done.err
    assert ("`when` goes in as nntrain computes it" in done.err) == (encode == "hashed")


def test_free_text_and_a_text_that_goes_on(nntrain: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = {"good": ["fine", "lovely", "day"], "bad": ["awful", "grim", "day"]}
    lines = ["text,label"]
    for i in range(80):
        label = ("good", "bad")[i % 2]
        lines.append(f"{' '.join(rng.choice(words[label], rng.integers(1, 6)))},{label}")
    (tmp_path / "t.csv").write_text("\n".join([*lines, ",good"]) + "\n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(
        """\
data: {path: t.csv, target: label, columns: {text: text}}
model:
  layers:
    - {type: embedding, input_dim: auto, output_dim: 4}
    - {type: gru, units: 5, bidirectional: true}
    - {type: dense, units: auto}
loss: cross_entropy
trainer: {max_epochs: 2}
""",
        encoding="utf-8",
    )
    (tmp_path / "poem.txt").write_text("To be, or not to be. " * 60, encoding="utf-8")
    (tmp_path / "poem.yaml").write_text(
        """\
data: {path: poem.txt, window: {length: 12}}
model:
  layers:
    - {type: embedding, input_dim: auto, output_dim: 4}
    - {type: lstm, units: 6, return_sequences: true}
    - {type: dense, units: auto}
loss: cross_entropy
trainer: {max_epochs: 2}
""",
        encoding="utf-8",
    )
    for name in ("t", "poem"):
        fitted = nntrain("fit", f"{name}.yaml", "-q", "-o", name)
        assert fitted.code == 0, fitted.err
        done = nntrain("export", name, f"{name}.onnx")
        assert done.code == 0, done.err
        assert "text goes in as tokens" in done.err


def test_mistakes_are_told(nntrain: Command, tmp_path: Path) -> None:
    config = ROOT / "configs" / "iris.yaml"
    assert nntrain("fit", config, "-q", "-o", "run", "--set", "trainer.max_epochs=1",
                   "--set", "expect={}").code == 0  # fmt: skip
    for words, code, message in (
        ((), 2, "expected [RUN] FILE"),
        (("run", "m.pb"), 2, "expected a file that ends with .onnx, got m.pb"),
        (("gone", "m.onnx"), 2, "there is no run gone"),
        (("run/model.safetensors", "m.onnx"), 2, "give some with --data FILE"),
        (("run", "m.onnx", "--data", "gone.csv"), 3, "gone.csv"),
        (("run", "nowhere/m.onnx"), 6, "nowhere/m.onnx"),
    ):
        done = nntrain("export", *words)
        assert done.code == code, done.err
        assert message in done.err
        assert not (tmp_path / "m.onnx").exists()
    lone = nntrain("export", "run/model.safetensors", "m.onnx", "--data", DATASETS / "iris.csv")
    assert lone.code == 0, lone.err


def test_a_difference_stops_it(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ROOT / "configs" / "iris.yaml"
    assert nntrain("fit", config, "-q", "-o", "run", "--set", "trainer.max_epochs=1",
                   "--set", "expect={}").code == 0  # fmt: skip
    good = layers.WRITERS[Dense]

    def off(graph: Graph, layer: Dense, x: Value) -> str:
        return graph("Mul", good(graph, layer, x), graph.constant(1.001))

    monkeypatch.setitem(layers.WRITERS, Dense, off)
    done = nntrain("export", "run", "m.onnx")
    assert done.code == 5
    assert "nothing was written" in done.err
    assert not (tmp_path / "m.onnx").exists()


def test_without_onnx_it_says_what_to_install(
    nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ROOT / "configs" / "iris.yaml"
    assert nntrain("fit", config, "-q", "-o", "run", "--set", "trainer.max_epochs=1",
                   "--set", "expect={}").code == 0  # fmt: skip
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    done = nntrain("export", "run", "m.onnx")
    assert done.code == 6
    assert 'pip install "nntrain[onnx]"' in done.err
