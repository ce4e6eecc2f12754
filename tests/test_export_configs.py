"""Every shipped config through ONNX: raw rows in, what nntrain says out, by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from nntrain.cli.loading import load_config, load_data
from nntrain.data.reading import read
from nntrain.export.compare import ENOUGH, compare
from nntrain.export.export import checked, to_onnx
from nntrain.families import Array
from nntrain.run.model import build_model
from tests.conftest import ROOT
from tests.test_export import by_runtime, moved

NOT_FOR_EXPORT = {"every-key.yaml"}  # shows the keys; its data are nowhere
CONFIGS = sorted(
    str(path.relative_to(ROOT / "configs"))
    for path in (ROOT / "configs").rglob("*.yaml")
    if path.name not in NOT_FOR_EXPORT
)


@pytest.mark.parametrize("name", CONFIGS)
def test_it_says_the_same_in_onnxruntime(name: str) -> None:
    loaded = load_config(ROOT / "configs" / Path(name), ["expect={}"]).alone
    dataset = load_data(loaded)
    model = build_model(loaded.experiment, dataset.preprocessor)
    moved(model.network, 0.05)  # more makes 384 recurrent units chaotic: the last digits grow
    made = checked(to_onnx(model))
    table = read(loaded.experiment.data, loaded.data_path, loaded.experiment.loss.goal)

    def run(given: Mapping[str, Array]) -> Mapping[str, Array]:
        return by_runtime(made, given)

    found = compare(model, table, run)
    assert found.rows > 0
    assert (found.labels, found.largest <= ENOUGH) == (0, True), found
