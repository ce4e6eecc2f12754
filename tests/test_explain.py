"""`check --resolved` and `--explain`: every value and its origin, every key and its meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nntrain.config import load, parse
from nntrain.config.asked import answers, names
from nntrain.config.docstrings import meanings
from nntrain.config.examples import TYPICAL, example, fits
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import fields
from nntrain.config.json_schema import json_schema
from nntrain.config.origins import resolved_with_origins, values
from nntrain.config.reference import INSIDE_KINDS, sections
from nntrain.config.writing import commented, inline
from nntrain.errors import ConfigError
from nntrain.families import FAMILIES, to_plain
from tests.conftest import ROOT, Command, write_points

CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
SPECS: list[Any] = [spec for _, spec in [*sections(Experiment), *INSIDE_KINDS]]
SPECS += [kind for f in FAMILIES for kind in f.kinds.values() if "nntrain." in kind.__module__]
KEYS = [(spec, key) for spec in dict.fromkeys(SPECS) for key in fields(spec)]


class TestResolved:
    """The whole config."""

    @pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
    def test_it_reads_back_as_the_same_experiment(self, path: Path) -> None:
        loaded = load(path)
        lines = resolved_with_origins(loaded)
        assert parse("\n".join(lines), "again.yaml") == loaded.experiment
        assert all("  # " in line or line.endswith(":") for line in lines)

    def test_fit_takes_it(self, nntrain: Command, points: Path, tmp_path: Path) -> None:
        found = nntrain("check", points, "--resolved", "--set", "trainer.max_epochs=1")
        assert found.code == 0
        (tmp_path / "whole.yaml").write_text(found.out)
        assert nntrain("fit", tmp_path / "whole.yaml", "-q").code == 0

    def test_origins(self, nntrain: Command, points: Path, tmp_path: Path) -> None:
        (tmp_path / "over.yaml").write_text("extends: points.yaml\ntrainer: {batch_size: 8}\n")
        result = nntrain(
            "check", tmp_path / "over.yaml", "--resolved", "--json", "--set", "optimizer.eps=1e-6"
        )
        found = json.loads(result.out)
        base, over = points, tmp_path / "over.yaml"
        assert found["trainer.batch_size"] == {"value": 8, "from": f"{over}:2"}
        assert found["trainer.max_epochs"] == {"value": 6, "from": f"{base}:13"}
        assert found["optimizer.eps"] == {"value": 1e-6, "from": "--set optimizer.eps=1e-6"}
        assert found["optimizer.betas"] == {"value": [0.9, 0.999], "from": "default"}
        assert found["model.layers.0.units"] == {"value": 8, "from": f"{base}:7"}

    def test_what_is_made_of_something_else(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.yaml"
        file.write_text(
            "data: {path: a.csv, target: y}\nloss: cross_entropy\n"
            "model: {layers: [{type: dense, units: auto}]}\n"
        )
        found = {each.key: each for each in values(load(file))}
        assert found["name"].origin == "the name of the file"
        assert found["metrics.0.type"].origin == "default for this loss"

    @pytest.mark.parametrize(
        "value",
        [
            {"a": {"b": [1, {"c": [{"d": None}, 2]}, []], "no": "no", "1e-3": "x: # y"}},
            {"a": [[1, 2], [3]], "é": "line\nline", "": "", "deep": {"x": {}}},
        ],
    )
    def test_any_values_survive(self, value: dict[str, Any]) -> None:
        text = "\n".join(commented({"metadata": value}, lambda path: "here"))
        least = "data: {path: a, target: y}\nloss: hinge\nmodel: {layers: [flatten]}\n"
        found = to_plain(parse(least + text, "x.yaml"))["metadata"]
        assert found == value


class TestExplain:
    """One key."""

    def test_every_name_has_an_answer_with_the_words_of_the_schema(self) -> None:
        definitions = json_schema()["$defs"]
        for name in names():
            found = answers(name)
            assert found
            word, _, key = name.partition(".")
            for family in FAMILIES:
                if key and word in family.kinds:
                    entry = definitions[f"{family.__name__}.{word}"]["properties"].get(key)
                    if entry is None:  # of another kind of this name
                        continue
                    assert entry["description"] in [answer.meaning for answer in found]
                    assert entry["examples"][0] in [answer.example for answer in found]

    @pytest.mark.parametrize(
        ("spec", "key"), KEYS, ids=lambda value: getattr(value, "__name__", value)
    )
    def test_every_key_has_a_meaning_and_an_example_that_is_right(
        self, spec: Any, key: str
    ) -> None:
        assert meanings(spec)[key]
        assert fits(spec, key, example(spec, key))

    def test_every_typical_value_is_of_use(self) -> None:
        used = {key for spec, key in KEYS if example(spec, key) == TYPICAL.get(key)}
        assert used == set(TYPICAL)

    def test_kinds_that_say_the_same_are_one_answer(self) -> None:
        found = {answer.of: answer for answer in answers("optimizer.betas")}
        assert found["adam", "amsgrad", "nadam", "radam"].default == [0.9, 0.999]
        assert found["lion",].default == [0.9, 0.99]
        (rate,) = answers("dropout.rate")
        assert (rate.takes, rate.required, rate.written) == (
            "a number in [0, 1)", True, {"type": "dropout", "rate": 0.2},
        )  # fmt: skip

    def test_with_a_config_it_is_the_kind_that_is_there(
        self, nntrain: Command, points: Path
    ) -> None:
        result = nntrain("check", points, "--explain", "optimizer.learning_rate", "--json")
        found = json.loads(result.out)
        assert [answer["of"] for answer in found["answers"]] == [["adam"]]
        assert found["here"] == [
            {"key": "optimizer.learning_rate", "value": 0.02, "from": f"{points}:11"}
        ]
        shown = nntrain("check", points, "--explain", "model.layers.1").out
        assert shown.startswith("model.layers.1 (of layers)\n  y = x · m / (1 - rate)")
        assert "model.layers.1.rate: 0.1" in shown

    def test_a_section_lists_its_keys_and_a_family_its_kinds(self, nntrain: Command) -> None:
        trainer = nntrain("check", "--explain", "trainer").out
        assert "    batch_size (default 32): rows in one step." in trainer
        loss = nntrain("check", "--explain", "loss").out
        assert "    cross_entropy: L = " in loss
        assert "One of the losses." in nntrain("check", "--explain", "losses").out

    @pytest.mark.parametrize(
        ("key", "hint"),
        [
            ("lr", "learning_rate"),
            ("trainer.batchsize", "batch_size"),
            ("optimizer.beta", "betas"),
            ("densee.units", "dense.units"),
            ("", "schema --docs"),
        ],
    )
    def test_what_is_not_there_is_answered_with_what_is_near(
        self, nntrain: Command, key: str, hint: str
    ) -> None:
        result = nntrain("check", "--explain", key or " ")
        assert result.code == 2
        assert hint in result.err
        with pytest.raises(ConfigError):
            answers(key)

    @pytest.mark.parametrize("columns", [60, 80, 120])
    def test_it_fits_the_terminal(
        self, nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        config = [write_points(tmp_path)]
        asked = [("trainer", config), ("data.preprocessing", config), ("units", [])]
        for key, given in [
            *asked,
            ("data.preprocessing.numeric.scale", []),
            ("optimizer.betas", []),
        ]:
            lines = nntrain("check", *given, "--explain", key).out.splitlines()
            assert max(map(len, lines)) <= columns

    def test_it_is_asked_for_alone(self, nntrain: Command, points: Path) -> None:
        assert nntrain("check", points, "--explain", "seed", "--resolved").code == 2
        assert nntrain("check", points, "--resolved", "--audit").code == 2
        assert "expected CONFIG" in nntrain("check", "--resolved").err


def test_one_line() -> None:
    assert inline({"a": [1, {"b": None}], "c": "1"}) == '{a: [1, {b: null}], c: "1"}'
