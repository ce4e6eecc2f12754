"""The `sweep:` block: what its keys may be, told at their places; and how values are put in."""

from __future__ import annotations

from pathlib import Path

import pytest

from nntrain.config import check_sweep, load
from nntrain.config.space import Dimension, dimensions, grid, settled
from nntrain.config.sweep import Value
from nntrain.config.tree import find, plain
from nntrain.errors import ConfigError
from tests.conftest import CONFIG, write_points

WRONG = {
    "model.layers.0.unitz: [8]": ("unknown key", "did you mean `units`?"),
    "model.layers.0.units: [8, 0]": ("expected a whole number above 0 or `auto`, got 0", ""),
    "model.layers.0.units: [8, many]": ("got `many`", ""),
    "model.layers.9.units: [8]": ("expected an index from 0 to 2, got `9`", ""),
    "model.layers.1.rate: {min: 0, max: 1.5}": ("expected a number in [0, 1), got 1.5", ""),
    "optimizer: [adam, sdg]": ("unknown optimizer `sdg`", "did you mean `sgd`?"),
    "optimizer.momentum: {min: 0, max: 0.9}": ("unknown key", "`adam` has `betas` in its place"),
    "nothing.at.all: [1]": ("unknown key", ""),
    "optimizer.eps: []": ("expected at least one value, got an empty list", ""),
    "optimizer.eps: [1e-8, 1.0e-8]": ("this value stands in the list already", ""),
    "optimizer.eps: 1e-8": ("expected a list of values, or a mapping", "is written `[1e-8]`"),
    "optimizer.eps: {min: 1e-8}": ("expected `values`, or `min` and `max`", ""),
    "optimizer.eps: {min: 1e-7, max: 1e-8}": ("expected more than `min`, which is 1e-07", ""),
    "optimizer.weight_decay: {min: 0, max: 1, log: true}": ("more than 0 for `log`, got 0", ""),
    "optimizer.eps: {min: 1, max: 2, log: true, step: 1}": ("do not go together", "leave one"),
    "optimizer.eps: {min: 1, max: 2, step: 3}": ("expected at most `max` - `min`, 1", ""),
    "optimizer.eps: {values: [1], min: 1}": ("`min` does nothing beside `values`", ""),
    "optimizer.eps: {values: [1], log: true}": ("`log` does nothing beside `values`", ""),
    "optimizer.eps: {value: [1]}": ("unknown key", ""),
    "seed: [1, 2, 3]": ("this can not be tried: the best of several seeds is luck", ""),
    "data.split.validation: [0.1, 0.2]": ("the scores of different rows", ""),
    "loss: [cross_entropy, {type: cross_entropy, label_smoothing: 0.1}]": (
        "`loss` changes what a loss means, so `validation_loss` can not judge it",
        "monitor a metric",
    ),
    "optimizer.eps: {values: [1], when: {trainer.max_epochs: 3}}": (
        "the condition is about `trainer.max_epochs`, which no key before it", "write that key",
    ),
    "optimizer: [adam]\n    optimizer.eps: {values: [1], when: {optimizer: sgd}}": (
        "the condition is never met", "",
    ),
    "optimizer.eps: [1]\n    optimizer: [adam, sgd]": (
        "this would replace `optimizer.eps`", "write it before that key",
    ),
    "optimizer: [adam, sgd]\n    optimizer.momentum: [0.9]": ("unknown key", "`adam` has"),
}  # fmt: skip


def swept(folder: Path, space: str, more: str = "") -> Path:
    return write_points(folder, config=f"{CONFIG}sweep:\n{more}  space:\n    {space}\n")


@pytest.mark.parametrize("space", WRONG)
def test_what_is_wrong_is_told_where_it_is(space: str, tmp_path: Path) -> None:
    message, hint = WRONG[space]
    with pytest.raises(ConfigError) as caught:
        check_sweep(load(swept(tmp_path, space)))
    (problem,) = caught.value.problems
    assert message in problem.message
    assert hint in problem.hint
    assert problem.source.strip() in f"sweep:\n    {space}"
    lines = (tmp_path / "points.yaml").read_text().splitlines()
    assert lines[problem.line - 1].startswith(problem.source)


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "model.layers.0.units: [0, -1]\n    optimizer.learning_rat: [1]"
    with pytest.raises(ConfigError) as caught:
        check_sweep(load(swept(tmp_path, text)))
    assert [(p.line, p.column) for p in caught.value.problems] == [(16, 28), (16, 31), (17, 15)]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("  monitor: validation_los\n", "there is no score `validation_los` to monitor"),
        ("  method: bayes\n", "expected one of `tpe`, `random`, `grid`"),
        ("  trials: 0\n", "expected a whole number above 0"),
        ("  method: grid\n", "a grid needs a `step`, or a list of values"),
        ("  pruner: none\n  min_epochs: 3\n", "without a pruner no trial is ended"),
    ],
)
def test_the_rest_of_the_block_is_judged(more: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check_sweep(load(swept(tmp_path, "optimizer.eps: {min: 1e-9, max: 1e-7, log: true}", more)))
    assert message in str(caught.value)


def test_an_empty_space(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected at least one key"):
        load(write_points(tmp_path, config=f"{CONFIG}sweep: {{space: {{}}}}\n"))


SPACE = """optimizer: [adam, {type: sgd, momentum: 0.5}]
    optimizer.momentum: {values: [0.8, 0.9], when: {optimizer: sgd}}
    model.layers.0.units: {min: 8, max: 25, step: 8}
    model.layers.1.rate: {min: 0, max: 0.5, step: 0.25, when: {model.layers.0.units: [16, 24]}}"""


def test_a_grid_has_each_setting_once(tmp_path: Path) -> None:
    root = load(swept(tmp_path, SPACE)).root
    found = list(grid(root, dimensions(root)))
    assert len(found) == 3 * (1 + 3 + 3)  # adam, sgd 0.8, sgd 0.9; units 8 without a rate
    sgd = '{"type": "sgd", "momentum": 0.5}'
    assert found[0] == {"optimizer": "adam", "model.layers.0.units": 8}
    assert found[-1] == {
        "optimizer": sgd,
        "optimizer.momentum": 0.9,
        "model.layers.0.units": 24,
        "model.layers.1.rate": 0.5,
    }
    assert all(isinstance(one["model.layers.0.units"], int) for one in found)
    assert all("optimizer.momentum" in one for one in found if one["optimizer"] == sgd)


def test_values_are_put_where_their_conditions_hold(tmp_path: Path) -> None:
    root = load(swept(tmp_path, SPACE)).root
    chosen: dict[str, Value] = {
        "optimizer": "adam",
        "optimizer.momentum": 0.9,
        "model.layers.0.units": 16,
    }
    tree, used = settled(root, dimensions(root), chosen)
    assert used == {"optimizer": "adam", "model.layers.0.units": 16}
    optimizer, layer = (find(tree, p) for p in (("optimizer",), ("model", "layers", 0, "units")))
    assert optimizer and plain(optimizer) == {"type": "adam"}
    assert layer and plain(layer) == 16


def test_the_key_tells_whether_a_range_is_of_whole_numbers(tmp_path: Path) -> None:
    space = """model.layers.0.units: {min: 8, max: 64, log: true}
    model.layers.1.rate: {min: 0, max: 1e-1}
    trainer.batch_size: {min: 8, max: 16}"""
    units, rate, batch = dimensions(load(swept(tmp_path, space)).root)
    assert (units.whole, units.step, units.every()) == (True, None, [])
    assert (rate.whole, rate.step) == (False, None)
    assert batch.every() == list(range(8, 17))


@pytest.mark.parametrize(
    ("space", "value"),
    [
        ("optimizer.learning_rate: {min: 0.01, max: 0.1}", [0.02]),
        ("optimizer.learning_rate: {min: 0.01, max: 0.1, step: 0.01}", [0.02]),
        ("optimizer.learning_rate: {min: 0.01, max: 0.1, step: 0.03}", []),
        ("optimizer.learning_rate: {min: 0.1, max: 1}", []),
        ("model.layers.0.units: [4, 8]", [8]),
        ("model.layers.0.units: [12, 16]", []),
        ("optimizer: [sgd, adam]", ["adam"]),
    ],
)
def test_what_the_config_has_already(space: str, value: list[object], tmp_path: Path) -> None:
    root = load(swept(tmp_path, space)).root
    (dimension,) = dimensions(root)
    assert isinstance(dimension, Dimension)
    assert dimension.standing(root) == value
