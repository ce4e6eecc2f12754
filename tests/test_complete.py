"""Nothing is forgotten: every kind has a line in the table and a docstring that tells all."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import fields

import pytest

import nntrain.layers
from nntrain.families import FAMILIES, Family, Source
from nntrain.metrics.labels import MeanPerLabel
from tests.cases import TABLE

TESTED_ELSEWHERE = {Source}  # files: see the tests of data

for module in pkgutil.iter_modules(nntrain.layers.__path__, "nntrain.layers."):
    importlib.import_module(module.name)


def ours(family: type[Family]) -> list[type[Family]]:
    """The kinds of the package, without those that tests define for themselves."""
    return [kind for kind in family.kinds.values() if kind.__module__.startswith("nntrain.")]


ALL = [kind for family in FAMILIES for kind in ours(family)]
every_kind = pytest.mark.parametrize("kind", ALL, ids=[kind.__name__ for kind in ALL])

LETTERS = {"learning_rate": "η", "alpha": "α", "betas": "β", "eps": "ε"}
"""Fields that the formula shows by the paper's letter."""


@pytest.mark.parametrize(
    "family", [f for f in FAMILIES if f not in TESTED_ELSEWHERE], ids=lambda f: f.__name__
)
def test_every_kind_has_a_line_in_the_table(family: type[Family]) -> None:
    in_table = {type(kind) for kind in TABLE[family]}
    missing = [kind.__name__ for kind in ours(family) if kind not in in_table]
    assert not missing, f"tests/cases.py has no line for {', '.join(missing)}"


def test_the_layers_package_names_every_layer_and_activation() -> None:
    from_files = {kind.__name__ for kind in ALL if kind.__module__.startswith("nntrain.layers.")}
    assert from_files <= set(nntrain.layers.__all__)


@every_kind
def test_every_kind_has_a_docstring_of_its_own(kind: type[Family]) -> None:
    written = vars(kind).get("__doc__") or ""
    made_by_dataclass = written.startswith(f"{kind.__name__}(")
    assert written
    assert not made_by_dataclass


@every_kind
def test_every_field_is_explained(kind: type[Family]) -> None:
    text = " ".join(vars(base).get("__doc__") or "" for base in kind.__mro__)
    for field in fields(kind):  # type: ignore[arg-type]
        words = (field.name, field.name.replace("_", " "), LETTERS.get(field.name, field.name))
        assert any(_mentions(text, word) for word in words), f"{field.name} is not mentioned"


def _mentions(text: str, word: str) -> bool:
    """As a whole word; a letter may carry an index, as β₁ does."""
    return re.search(rf"(?<!\w){word}(?![a-zA-Z_])", text, re.IGNORECASE) is not None


@every_kind
def test_no_kind_leaves_a_method_of_its_contract_out(kind: type[Family]) -> None:
    """A family says what each kind must have by methods that raise NotImplementedError."""
    left_out = [name for name in dir(kind) if _is_a_promise(getattr(kind, name))]
    assert not left_out, f"{kind.__name__} lacks {', '.join(left_out)}"


def test_a_promise_that_is_not_kept_is_noticed() -> None:
    assert _is_a_promise(MeanPerLabel.rows)
    assert not _is_a_promise(MeanPerLabel.label_sums)


def _is_a_promise(method: object) -> bool:
    method = getattr(method, "fget", method)  # of a property
    return "NotImplementedError" in getattr(getattr(method, "__code__", None), "co_names", ())
