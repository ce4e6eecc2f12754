"""Graphs: what flows where, what is shared, and what is wrong with a wiring."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.call import Call
from nntrain.config import load, parse, resolved, restore
from nntrain.config.experiment import Model
from nntrain.display import plain
from nntrain.families import Array, Layer, to_plain
from nntrain.layers import Dense, Dropout, Flatten, Graph, Relu, Residual, Tanh
from nntrain.layers.chain import LayerError
from nntrain.layers.units import settle_units
from nntrain.layers.wiring import GraphNode, faults
from nntrain.network import Network, plan
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.cases import assert_same_slope, finite_differences, inputs, quick
from tests.conftest import CONFIG, ROOT, Command, write_points
from tests.test_run import same_files, start

COLUMNS = {"a": slice(0, 1), "b": slice(1, 2), "word": slice(2, 5)}
TRAINING = Call(training=True, step=2)


def network_of(graph: Graph, width: int = 3, **options: Any) -> Network:
    options = {"dtype": np.float64, "input_gradient": True, **options}
    return Network([graph], (width,), **options)


class TestCombining:
    """add, multiply, concatenate."""

    x = inputs((3,))

    def run(self, how: Any, *sources: str, width: int = 3) -> Array:
        nodes = {
            "tanh": GraphNode("input", layers=(Dense(width, activation=Tanh()),)),
            "all": GraphNode(sources, combine=how),
        }
        network = network_of(Graph(nodes, "all"))
        self.h = np.tanh(self.x @ network.store.weights["layers.0.nodes.tanh.layers.0.W"])
        return network(self.x)[0]

    def test_add(self) -> None:
        np.testing.assert_allclose(self.run("add", "tanh", "input", "tanh"), self.x + 2 * self.h)

    def test_multiply(self) -> None:
        np.testing.assert_allclose(
            self.run("multiply", "input", "tanh", "input"), self.x**2 * self.h
        )

    def test_concatenate(self) -> None:
        y = self.run("concatenate", "tanh", "input", width=2)
        np.testing.assert_array_equal(y, np.hstack([self.h, self.x]))

    @pytest.mark.parametrize("how", ["add", "multiply"])
    def test_shapes_must_be_equal(self, how: str) -> None:
        with pytest.raises(LayerError, match=rf"{how} needs equal shapes, got \(2,\) and \(3,\)"):
            self.run(how, "tanh", "input", width=2)

    def test_side_by_side_other_axes_must_be_equal(self) -> None:
        nodes = {
            "flat": GraphNode("input", layers=(Flatten(),)),
            "all": GraphNode(("flat", "input"), combine="concatenate"),
        }
        with pytest.raises(LayerError, match=r"up to the last axis, got \(6,\) and \(2, 3\)") as e:
            plan([Graph(nodes, "all")], (2, 3))
        assert e.value.path == "layers.0.nodes.all"


class TestSharing:
    """One layer in several places: one weight, the sum of the gradients."""

    graph = Graph(
        {
            "far": GraphNode("near", share="near"),
            "near": GraphNode("input", layers=(Dense(3, activation=Tanh()),)),
            "out": GraphNode(("near", "far"), combine="concatenate"),
        },
        "out",
    )

    def test_the_layers_and_weights_are_the_same(self) -> None:
        network = network_of(self.graph)
        assert set(network.store.weights) == {f"layers.0.nodes.near.layers.0.{n}" for n in "Wb"}
        x, W = inputs((3,)), network.store.weights["layers.0.nodes.near.layers.0.W"]
        near = np.tanh(x @ W)
        np.testing.assert_allclose(network(x)[0], np.hstack([near, np.tanh(near @ W)]), rtol=1e-14)

    def test_the_plan_counts_them_once(self) -> None:
        counted = plan([self.graph], (3,))
        rows = {row.path.removeprefix("layers.0."): row for row in counted.layers}
        assert len(rows) == len(counted.layers)
        assert list(rows) == [
            "nodes.near.layers.0", "nodes.near", "nodes.far", "nodes.out", "layers.0",
        ]  # fmt: skip
        assert (rows["nodes.far"].kind, rows["nodes.far"].parameters) == ("shared", 0)
        assert rows["nodes.near"].parameters == plain.parameters(counted.layers) == 12

    def test_another_width_does_not_fit(self) -> None:
        nodes = {**self.graph.nodes, "far": GraphNode("wide", share="near")}
        nodes["wide"] = GraphNode("input", layers=(Dense(5),))
        with pytest.raises(LayerError, match=r"the layers of `near` do not fit \(5,\)") as caught:
            plan([Graph(nodes, "out")], (3,))
        assert caught.value.path == "layers.0.nodes.far"


class TestColumns:
    """Inputs of a graph that are columns of the table."""

    graph = Graph(
        {"left": GraphNode("body", layers=(Dense(2),)), "all": GraphNode(("left", "rest"), "add")},
        "all",
        {"body": ("word", "a"), "rest": ("a", "b")},
    )

    def test_each_input_gets_its_columns_in_its_order(self) -> None:
        network = network_of(self.graph, 5, columns=COLUMNS)
        x, W = inputs((5,)), network.store.weights["layers.0.nodes.left.layers.0.W"]
        expected = x[:, [2, 3, 4, 0]] @ W + x[:, :2]
        np.testing.assert_allclose(network(x)[0], expected, rtol=1e-14)

    def test_gradients_of_a_column_taken_twice_are_summed(self) -> None:
        network = network_of(self.graph, 5, columns=COLUMNS)
        x, dy = inputs((5,)), inputs((2,), seed=4)
        dx = network(x)[1](dy)
        assert dx is not None
        assert_same_slope(dx, finite_differences(lambda: float((network(x)[0] * dy).sum()), x))

    def test_it_may_be_the_first_layer_of_a_residual_block(self) -> None:
        block = Residual((self.graph, Dense(5)), repeat=2)
        with pytest.raises(LayerError, match="the graph must be the first layer") as caught:
            plan([block], (5,), COLUMNS)
        assert caught.value.path == "layers.0.blocks.1.layers.0"
        assert plan([Residual((self.graph, Dense(5)))], (5,), COLUMNS).weights

    def test_later_layers_have_no_columns(self) -> None:
        with pytest.raises(LayerError, match="the graph must be the first layer"):
            plan([Dense(5), self.graph], (5,), COLUMNS)
        inner = GraphNode("input", layers=(self.graph,))
        with pytest.raises(LayerError, match="the graph must be the first layer"):
            plan([Graph({"a": inner}, "a")], (5,), COLUMNS)

    def test_the_nearest_column_is_named(self) -> None:
        graph = Graph(self.graph.nodes, "all", {"body": "wrod", "rest": ("a", "b")})
        with pytest.raises(LayerError, match=r"no feature is called `wrod`; did you mean `word`"):
            plan([graph], (5,), COLUMNS)


def test_nothing_flows_to_where_nothing_learns() -> None:
    calls: list[str] = []
    nodes = {
        "learned": GraphNode("input", layers=(Dense(3),)),
        "both": GraphNode(("fixed", "learned"), combine="multiply"),
        "fixed": GraphNode("input", layers=(Dropout(0.5),)),  # built after what learns
    }
    network = network_of(Graph(nodes, "both"), input_gradient=False)
    watch = lambda path, y, dy: calls.append(path) if dy is not None else None  # noqa: E731
    y, backward = network(inputs((3,)), Call(training=True, watch=watch))
    assert backward(np.ones_like(y)) is None
    assert calls == [
        "layers.0", "layers.0.nodes.both", "layers.0.nodes.learned",
        "layers.0.nodes.learned.layers.0",
    ]  # fmt: skip


def test_every_watched_path_has_a_row_in_the_plan() -> None:
    graph = Graph({**TestSharing.graph.nodes}, ("out", "far"))
    network = network_of(graph)
    seen: set[str] = set()
    y, backward = network(inputs((3,)), Call(watch=lambda path, y, dy: seen.add(path)))
    backward(np.ones_like(y))
    assert seen == {row.path for row in network.plan.layers}


def test_lengths_go_along_the_edges() -> None:
    graph = Graph({"a": GraphNode("input", layers=(Dense(2), Flatten()))}, "a")
    assert graph.lengths(np.array([3])) is None
    graph = Graph({"a": GraphNode("input", layers=(Dense(2),))}, "a")
    assert graph.lengths(np.array([3])) == 3


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Random wirings of nodes with four units, all of which lead to the output."""
    known, nodes = ["input"], dict[str, GraphNode]()
    inner: tuple[tuple[Layer, ...], ...] = (
        (Dense(4, activation=Tanh()),),
        (Residual((Dense(4), Dropout(0.5)), repeat=2),),
        (Dropout(0.3),),
    )
    for i in range(draw(st.integers(1, 5))):
        takes: list[str] = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
        combine: Any = draw(st.sampled_from(["add", "multiply"])) if len(takes) > 1 else None
        owners = [name for name, node in nodes.items() if node.layers]
        if draw(st.booleans()) and owners:
            node = GraphNode(tuple(takes), combine, share=draw(st.sampled_from(owners)))
        else:
            layers = draw(st.sampled_from(inner))
            node = GraphNode(tuple(takes), combine, layers)
        known.append(f"n{i}")
        nodes[f"n{i}"] = node
    shuffled = draw(st.permutations(list(nodes)))
    return Graph({name: nodes[name] for name in shuffled}, tuple(nodes))


@quick
@given(graph=graphs())
def test_any_graph_has_the_right_gradients(graph: Graph) -> None:
    network = network_of(graph, 4)
    x = inputs((4,), rows=2)
    dy = inputs(network.shape, rows=2, seed=3)

    def value() -> float:
        return float(np.sum(network(x, TRAINING)[0] * dy))

    dx = network(x, TRAINING)[1](dy)
    assert dx is not None
    grad = network.store.grad.copy()
    scale = max(1.0, np.abs(network(x, TRAINING)[0]).max())
    np.testing.assert_allclose(dx, finite_differences(value, x), rtol=1e-5, atol=1e-7 * scale)
    if network.store.size:
        slope = finite_differences(value, network.store.theta)
        np.testing.assert_allclose(grad, slope, rtol=1e-5, atol=1e-7 * scale)


DENSE = (Dense(2),)
NODE, OF_X = GraphNode("input", layers=DENSE), GraphNode("x", layers=DENSE)


@pytest.mark.parametrize(
    ("nodes", "outputs", "inputs_", "keys", "message"),
    [
        ({}, "input", {}, ("nodes",), "at least one node"),
        ({"a": GraphNode("x", layers=DENSE)}, "a", {}, ("nodes", "a", "input"), "no node `x`"),
        ({"a": NODE}, "b", {}, ("outputs",), "there is no node `b`"),
        ({"a": NODE}, ("a", "a"), {}, ("outputs", 1), "twice"),
        ({"a": NODE}, (), {}, ("outputs",), "got none"),
        ({"a": NODE, "input": NODE}, "a", {}, ("nodes", "input"), "the name of an input already"),
        ({"a.b": NODE}, "a.b", {}, ("nodes", "a.b"), "can not have a point"),
        ({"a": NODE, "b": NODE}, "a", {}, ("nodes", "b"), "it leads to no output"),
        ({"a": OF_X}, "a", {"x": "u", "y": "v"}, ("inputs", "y"), "it leads to no output"),
        ({"a": OF_X}, "a", {"x": ("u", "u")}, ("inputs", "x", 1), "twice"),
        ({"a": OF_X}, "a", {"x": ()}, ("inputs", "x"), "got none"),
        ({"a": GraphNode(("input", "input"))}, "a", {}, ("nodes", "a", "input"), "how to combine"),
        ({"a": GraphNode("input", "add")}, "a", {}, ("nodes", "a", "combine"), "nothing to add"),
        ({"a": GraphNode("input")}, "a", {}, ("nodes", "a"), "does nothing"),
        ({"a": GraphNode("input", share="a")}, "a", {}, ("nodes", "a", "share"), "with itself"),
        (
            {"a": NODE, "b": GraphNode("a", share="A")},
            "b", {}, ("nodes", "b", "share"), "there is no node `A`",
        ),
        (
            {"a": NODE, "b": GraphNode("a", share="a"), "c": GraphNode("b", share="b")},
            "c", {}, ("nodes", "c", "share"), "`b` shares the layers of `a` itself",
        ),
        (
            {"a": NODE, "b": GraphNode("a", None, DENSE, "a")},
            "b", {}, ("nodes", "b", "share"), "of its own",
        ),
        (
            {"a": GraphNode("c", layers=DENSE), "b": GraphNode("a", share="a"),
             "c": GraphNode("b", share="a")},
            "c", {}, ("nodes", "a", "input"), "circle: `a` takes `c` takes `b` takes `a`",
        ),
    ],
)  # fmt: skip
def test_a_wrong_wiring_is_told_at_its_place(
    nodes: Mapping[str, GraphNode], outputs: Any, inputs_: Any, keys: Any, message: str
) -> None:
    found = list(faults(inputs_, nodes, outputs))
    assert found[0].keys == keys
    assert message in found[0].message
    with pytest.raises(ValueError, match=re.escape(message)):
        Graph(nodes, outputs, inputs_).build((2,), Network([], (2,)).store)


def test_a_sound_wiring_has_no_faults() -> None:
    for graph in (TestSharing.graph, TestColumns.graph):
        assert list(faults(graph.inputs, graph.nodes, graph.outputs)) == []


def test_a_thousand_nodes_in_a_row_are_no_trouble() -> None:
    nodes = {
        f"n{i}": GraphNode(f"n{i - 1}" if i else "input", layers=(Dropout(0.1),))
        for i in range(1000)
    }
    graph = Graph(dict(reversed(nodes.items())), "n999")
    y, _ = Network([graph], (1,))(np.ones((1, 1), np.float32))
    assert y.shape == (1, 1)


class TestUnits:
    """`units: auto` at the ends of a graph."""

    graph = Graph(
        {
            "body": GraphNode("input", layers=(Dense(4, activation=Relu()),)),
            "a": GraphNode("body", layers=(Dense(4), Dense("auto"))),
            "b": GraphNode("body", layers=(Dense("auto"),)),
        },
        ("a", "b"),
    )

    def test_one_head_for_each_target(self) -> None:
        (settled,) = settle_units([self.graph], 5, (2, 3))
        assert isinstance(settled, Graph)
        assert settled.nodes["a"].layers == (Dense(4), Dense(2))
        assert settled.nodes["b"].layers == (Dense(3),)
        assert plan([settled], (3,)).layers[-1].shape == (5,)

    def test_other_numbers_of_targets_leave_it_open(self) -> None:
        assert settle_units([self.graph], 5, (5,)) == (self.graph,)

    def test_a_single_output_takes_all(self) -> None:
        (settled,) = settle_units(
            [Graph({"b": GraphNode("input", layers=(Dense("auto"),))}, "b")], 5, (2, 3)
        )
        assert isinstance(settled, Graph)
        assert settled.nodes["b"].layers == (Dense(5),)


GRAPH = """\
    - type: graph
      inputs: {numbers: [a, b], word: word}
      nodes:
        left: {input: numbers, layers: [{type: dense, units: 6, activation: tanh}]}
        right: {input: word, layers: [{type: dense, units: 6}]}
        out:
          input: [left, right]
          combine: add
          layers: [{type: dense, units: auto}]
      outputs: out
"""


@pytest.fixture
def wired(tmp_path: Path) -> Path:
    path = write_points(tmp_path)
    head, _, tail = path.read_text().partition("    - {type: dense")
    path.write_text(head + GRAPH + tail[tail.index("loss:") :])
    return path


def test_a_graph_trains_from_a_config_and_predicts(nntrain: Command, wired: Path) -> None:
    assert nntrain("fit", wired, "-o", "out", "--set", "trainer.max_epochs=20").code == 0
    result = nntrain("eval", "out", "--json")
    assert json.loads(result.out)["metrics"]["accuracy"] > 0.5
    assert nntrain("predict", "out", "points.csv").out.count("\n") == 201


def test_a_graph_survives_the_way_through_yaml(wired: Path) -> None:
    experiment = load(wired).experiment
    assert parse(resolved(experiment), "again") == experiment


PENGUINS = load(ROOT / "configs" / "penguins.yaml").experiment


@quick
@given(graph=graphs())
def test_any_graph_survives_the_way_through_yaml_and_json(graph: Graph) -> None:
    experiment = replace(PENGUINS, model=Model((graph, Dense("auto"))))
    assert parse(resolved(experiment), "again") == experiment
    assert restore(json.loads(json.dumps(to_plain(experiment))), "model") == experiment


RESUMED = """\
    - type: graph
      nodes:
        left: {input: input, layers: [{type: dense, units: 4}, {type: dropout, rate: 0.3}]}
        again: {input: input, share: left}
        out:
          input: [left, again]
          combine: multiply
          layers: [{type: residual, repeat: 2, layers: [{type: dense, units: 5}]}]
      outputs: [out, left]
    - {type: dense, units: auto}
"""


@pytest.mark.parametrize("steps", [2, 9, 20])
def test_a_resumed_graph_ends_with_the_bytes_of_the_whole_run(tmp_path: Path, steps: int) -> None:
    head, _, tail = CONFIG.partition("    - {type: dense")
    config = write_points(tmp_path, config=head + RESUMED + tail[tail.index("loss:") :])
    list(fit(start(config, tmp_path / "whole")))
    done = iter([""] * (steps - 1) + ["interrupted"] * 99)
    list(fit(start(config, tmp_path / "cut"), stop=lambda: next(done)))
    list(fit(Run.resume(RunFolder(tmp_path / "cut"))))
    assert same_files(tmp_path / "whole", tmp_path / "cut")


def test_the_graph_of_the_documents_works(nntrain: Command) -> None:
    page = (ROOT / "docs" / "all-of-nntrain.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(model:.*?)```", page, re.DOTALL)
    data = f"data: {{path: {ROOT / 'datasets' / 'penguins.csv'}, target: species}}\n"
    Path("graph.yaml").write_text(data + shown + "loss: cross_entropy\n", encoding="utf-8")
    result = nntrain("check", "graph.yaml", "--gradients")
    assert result.code == 0, result.err
    assert "layers.1.blocks.2.layers.1" in result.out


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("word: word}", "word: wordd}", "7:7: model.layers.0:", "did you mean `word`?"),
        ("[left, right]", "[left, rihgt]", "13:25: {nodes}out.input.1:", "did you mean `right`?"),
        ("units: 6}]", "units: 7}]", "12:9: {nodes}out:", "equal shapes, got (6,) and (7,)"),
        ("outputs: out", "outputs: left", "12:9: {nodes}out:", "it leads to no output"),
        ("combine: add", "combin: add", "14:11: {nodes}out.combin:", "did you mean `combine`?"),
        (
            "outputs: out", "outputs: [out, right]",
            "15:41: {nodes}out.layers.0.units:", "2 outputs of the graph for 1 target",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_are(
    nntrain: Command, wired: Path, old: str, new: str, place: str, says: str
) -> None:
    wired.write_text(wired.read_text().replace(old, new))
    result = nntrain("fit", "points.yaml", "-q")
    assert result.code == 2
    assert place.format(nodes="model.layers.0.nodes.") in result.err
    assert says in result.err
