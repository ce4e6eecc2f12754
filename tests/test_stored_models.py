"""Model files that earlier versions wrote stay readable, and say what they said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from nntrain.run.archive import FORMAT_VERSION
from nntrain.run.model import named_vectors, read_model
from tests.conftest import Command
from tests.models.make import KINDS, said

FOLDER = Path(__file__).parent / "models"
STORED = sorted(FOLDER.glob("format-*/*.safetensors"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_stored_model_says_what_it_said(path: Path) -> None:
    kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = said(read_model(path), path.with_name(KINDS[path.stem].file))
    assert len(found) == len(kept) > 0
    np.testing.assert_allclose(found, kept, rtol=0, atol=1e-6)


def test_every_kind_of_data_is_stored_in_the_newest_format() -> None:
    newest = {path.stem for path in STORED if path.parent.name == f"format-{FORMAT_VERSION}"}
    assert newest == KINDS.keys()


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_package_safetensors_opens_our_files(path: Path) -> None:
    weights = named_vectors(read_model(path).network)
    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, weights.pop(name))
    assert not weights
    with safe_open(path, framework="numpy") as file:
        assert list(file.metadata()) == ["nntrain"]


def test_a_stored_model_predicts(nntrain: Command) -> None:
    done = nntrain(
        "predict", FOLDER / "format-1/classes.safetensors", FOLDER / "format-1/table.csv"
    )
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("b,prediction,probability_")
    assert len(lines) == 25
