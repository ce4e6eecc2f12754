"""The JSON Schema says of configs what `nntrain` says of them, as far as a schema can."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from nntrain.config.document import parse_document
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import unfold
from nntrain.config.json_schema import json_schema
from nntrain.config.tree import plain
from nntrain.config.validation import validate
from nntrain.errors import ConfigError
from nntrain.families import FAMILIES, to_plain
from tests.cases import TABLE, label
from tests.conftest import ROOT, Command

CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
LEAST: dict[str, Any] = {
    "data": {"path": "a.csv", "target": "y"},
    "model": {"layers": [{"type": "dense", "units": "auto"}]},
    "loss": "cross_entropy",
}
PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "Layer": lambda kind: {"model": {"layers": [kind]}},
    "Activation": lambda kind: {
        "model": {"layers": [{"type": "dense", "units": 1, "activation": kind}]}
    },
    "Loss": lambda kind: {"loss": kind},
    "Optimizer": lambda kind: {"optimizer": kind},
    "Schedule": lambda kind: {"lr_schedule": kind},
    "Augmentation": lambda kind: {"data": {**LEAST["data"], "augmentation": [kind]}},
    "Averaging": lambda kind: {"averaging": kind},
    "Metric": lambda kind: {"metrics": [kind]},
    "Initializer": lambda kind: {
        "model": {"layers": [{"type": "dense", "units": 1, "kernel_initializer": kind}]}
    },
}
EVERY = [(family, kind) for family, kinds in TABLE.items() for kind in kinds]


@pytest.fixture(scope="module")
def schema() -> Validator:
    found = json_schema()
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def as_json(path: Path) -> Any:
    """A config as an editor sees it."""
    root = parse_document(path.read_text(encoding="utf-8"), str(path)).root
    return json.loads(json.dumps(plain(root)))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_valid(schema: Validator, path: Path) -> None:
    schema.validate(as_json(path))


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=[label(kind) for _, kind in EVERY])
def test_every_kind_is_in_it_by_itself(schema: Validator, family: Any, kind: Any) -> None:
    written = json.loads(json.dumps(to_plain(kind)))
    assert schema.is_valid({**LEAST, **PLACES[family.__name__](written)})
    assert not schema.is_valid({**LEAST, **PLACES[family.__name__]({**written, "odd": 1})})


def test_every_kind_has_an_entry_with_the_meaning_of_its_keys() -> None:
    definitions = json_schema()["$defs"]
    for family in FAMILIES:
        for word in family.kinds:
            entry = definitions[f"{family.__name__}.{word}"]
            assert entry["description"]
            assert entry["properties"]["type"] == {"const": word}


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimiser": "adam"},
        {"optimizer": "adamw"},
        {"optimizer": {"type": "adam", "lr": 0.1}},
        {"optimizer": {"type": "adam", "learning_rate": 0}},
        {"optimizer": {"type": "adam", "betas": [0.9]}},
        {"trainer": {"batch_size": 2.5}},
        {"trainer": {"batch_size": "32"}},
        {"model": {"layers": [{"type": "dropout", "rate": 1.0}]}},
        {"model": {"layers": ["dense"]}},
        {"model": {"layers": [{"type": "residual", "layers": [{"type": "dense", "unitz": 3}]}]}},
        {"seed": True},
        {"data": {"path": "a.csv", "split": {"by": "luck"}}},
    ],
    ids=str,
)
def test_mistakes_are_seen(schema: Validator, wrong: dict[str, Any]) -> None:
    assert schema.is_valid(LEAST)
    assert not schema.is_valid({**LEAST, **wrong})


def test_required_keys_may_come_from_another_config(schema: Validator) -> None:
    short = {key: value for key, value in LEAST.items() if key != "loss"}
    assert not schema.is_valid(short)
    assert schema.is_valid({**short, "extends": "base.yaml"})


def test_the_command_prints_it(nntrain: Command) -> None:
    printed = nntrain("schema")
    assert printed.code == 0
    assert json.loads(printed.out) == json.loads(json.dumps(json_schema()))


MODELINE = "# yaml-language-server: $schema="
SHIPPED = ROOT / "configs" / "nntrain.schema.json"


def grammatical(path: Path) -> bool:
    """Whether a wrong config is YAML that stands alone."""
    try:
        document = parse_document(path.read_text(encoding="utf-8"), str(path))
    except ConfigError:
        return False
    return not document.problems and "extends" not in getattr(document.root, "items", {})


GOLDEN = [path for path in sorted((ROOT / "tests" / "golden").glob("*.yaml")) if grammatical(path)]


def test_the_shipped_schema_is_what_the_command_prints() -> None:
    command = "from nntrain.cli import main; main()"  # this process knows kinds of tests
    done = subprocess.run(
        [sys.executable, "-c", command, "schema"], capture_output=True, check=True, cwd=ROOT
    )
    printed = done.stdout.decode().replace("\r\n", "\n")
    assert SHIPPED.read_text(encoding="utf-8") == printed, "run docs/kinds.py"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_names_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(MODELINE)
    assert (path.parent / first.removeprefix(MODELINE)).resolve() == SHIPPED


def test_every_key_has_a_meaning_and_an_example_that_is_valid() -> None:
    whole = json_schema()
    found = list(keys(whole))
    assert len(found) > 300
    for name, key in found:
        assert key["description"], name
        inner = Draft202012Validator({**key, "$defs": whole["$defs"]})
        assert all(inner.is_valid(value) for value in key["examples"]), name
        if "default" in key:
            assert inner.is_valid(json.loads(json.dumps(key["default"]))), name


def keys(schema: Any) -> Iterator[tuple[str, Any]]:
    """All properties, but `type`, wherever they are."""
    if isinstance(schema, dict):
        for name, key in schema.get("properties", {}).items():
            if not (name == "type" and set(key) == {"const"}):
                yield name, key
        for inner in schema.values():
            yield from keys(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from keys(inner)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_it_underlines_what_the_grammar_refuses(schema: Validator, path: Path) -> None:
    """Configs that are wrong: rules between keys, and what data tells, are not for a schema."""
    root = parse_document(path.read_text(encoding="utf-8"), str(path)).root
    refused = bool(validate(unfold(root, Experiment)).problems)
    assert schema.is_valid(json.loads(json.dumps(plain(root)))) != refused


def test_there_are_many_wrong_configs() -> None:
    assert len(GOLDEN) > 50
