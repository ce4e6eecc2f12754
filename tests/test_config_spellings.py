"""Every answer in the tables of foreign spellings exists, and is what a user gets to read."""

from __future__ import annotations

import re

import pytest

import nntrain.layers  # noqa: F401  registers the layers
from nntrain.config import spellings
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import fields, homes, noun
from nntrain.config.hints import hint_for_key, hint_for_kind
from nntrain.config.spellings import canonical, foreign, ours, same
from nntrain.families import FAMILIES, Family

BY_NOUN: dict[str, type[Family]] = {noun(family): family for family in FAMILIES}
TOP = list(fields(Experiment))

OPTIMIZER_RATE = "did you mean `optimizer.learning_rate`? write `optimizer: {learning_rate: …}`"


def exists(path: str) -> bool:
    leaf = path.rpartition(".")[2]
    return path in {".".join(map(str, home)) for home in homes(Experiment, leaf)}


@pytest.mark.parametrize("path", spellings.KEYS)
def test_keys_exist(path: str) -> None:
    assert exists(path)
    for name in foreign(spellings.KEYS[path]):
        assert path.rpartition(".")[2] in hint_for_key(name, (name,), TOP)


@pytest.mark.parametrize("note", spellings.NOTES)
def test_notes_name_what_exists(note: str) -> None:
    kinds = {kind for family in FAMILIES for kind in family.kinds}
    for text in re.findall(r"`([^`]+)`", note):
        for word in re.findall(r"[a-z][a-z0-9_.]*", text.replace("file.yaml", "")):
            known = exists(word) or word in kinds or any(homes(Experiment, word))
            assert known or word in ("type", "auto", "extends"), word


@pytest.mark.parametrize("family", spellings.KINDS)
def test_kinds_exist(family: str) -> None:
    for kind, names in spellings.KINDS[family].items():
        assert kind in BY_NOUN[family].kinds
        for name in foreign(names):
            if not same(name, BY_NOUN[family].kinds):
                assert kind in hint_for_kind(name, BY_NOUN[family])


def test_each_foreign_word_has_one_answer() -> None:
    tables = [{**spellings.KEYS, **spellings.NOTES}, *spellings.KINDS.values(), spellings.WORDS]
    for table in tables:
        names = [name for words in table.values() for name in set(foreign(words))]
        assert len(names) == len(set(names))


def test_our_own_words_are_not_foreign() -> None:
    for key in TOP:
        assert ours(key, spellings.KEYS) in (None, key)


@pytest.mark.parametrize(
    ("key", "path", "allowed", "hint"),
    [
        ("lr", ("optimizer", "lr"), ["learning_rate"], "did you mean `learning_rate`?"),
        ("learningRate", ("optimizer", "x"), ["learning_rate"], "did you mean `learning_rate`?"),
        ("lr", ("lr",), TOP, OPTIMIZER_RATE),
        ("p", ("model", "layers", 0, "p"), ["rate"], "did you mean `rate`?"),
        ("neurons", ("neurons",), TOP, "`units` belongs to a layer in `model.layers`"),
        ("epochs", ("trainer", "epochs"), ["max_epochs"], "did you mean `max_epochs`?"),
        ("optimizer", ("trainer", "optimizer"), ["max_epochs"],
         "did you mean `optimizer`, at the top level?"),
        ("xyzzy", ("trainer", "xyzzy"), ["max_epochs"], "the keys here are `max_epochs`"),
        ("momentum", ("optimizer", "momentum"), ["betas"],
         "`adam` has `betas` in its place; `sgd` has `momentum`"),
    ],
)  # fmt: skip
def test_hints(key: str, path: tuple[str, ...], allowed: list[str], hint: str) -> None:
    assert hint_for_key(key, path, allowed) == hint


def test_names_are_compared_without_case_and_underscores() -> None:
    assert canonical("Cross-Entropy Loss") == canonical("cross_entropy_loss")
