"""What is refused of networks that read tokens: the answers in sight, embeddings too small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nntrain.training import evaluate as evaluation
from tests.conftest import Command

TEXT = """\
data: {{path: a.txt, window: {{length: 16}}}}
model:
  layers:
    - {{type: embedding, input_dim: {tokens}, output_dim: 8}}
    - {layer}
    - {{type: dense, units: auto}}
loss: cross_entropy
trainer: {{max_epochs: 1}}
"""
POEM = "the cat sat on the mat, the rat sat on the cat.\n" * 20


def write(layer: str, tokens: str = "auto") -> None:
    Path("a.txt").write_text(POEM)
    Path("a.yaml").write_text(TEXT.format(layer=layer, tokens=tokens))


@pytest.mark.parametrize(
    "layer",
    [
        "{type: gru, units: 8, return_sequences: true, bidirectional: true}",
        "{type: multi_head_attention, heads: 2}",
        "{type: residual, layers: [{type: conv1d, filters: 8, kernel_size: 3, padding: same}]}",
        "{type: instance_norm}",
    ],
)
def test_a_network_that_sees_the_answer_is_refused(nntrain: Command, layer: str) -> None:
    write(layer)
    result = nntrain("check", "a.yaml")
    assert result.code == 2
    where = "model.layers.1.layers.0" if "residual" in layer else "model.layers.1"
    assert f"{where}: this layer looks at later tokens" in result.err


@pytest.mark.parametrize(
    "layer",
    [
        "{type: lstm, units: 8, return_sequences: true}",
        "{type: multi_head_attention, heads: 2, causal: true}",
        "{type: residual, layers: [{type: conv1d, filters: 8, kernel_size: 3, padding: causal}]}",
        "{type: layer_norm}",
    ],
)
def test_one_that_does_not_is_fine(nntrain: Command, layer: str) -> None:
    write(layer)
    assert nntrain("check", "a.yaml").code == 0


def test_an_embedding_knows_all_tokens(nntrain: Command) -> None:
    write("{type: layer_norm}", tokens="5")
    result = nntrain("check", "a.yaml")
    assert result.code == 2
    assert "a.yaml:4:36: model.layers.0.input_dim: there are 15 tokens" in result.err


def test_an_embedding_of_a_table_takes_whole_numbers(nntrain: Command) -> None:
    rows = [f"{i % 3},{i % 2}" for i in range(40)]
    Path("a.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    text = "data: {path: a.csv, target: y, preprocessing: {numeric: {scale: SCALE}}}\nloss: "
    text += "cross_entropy\nmodel: {layers: [{type: embedding, input_dim: 3, output_dim: 2}, "
    text += "{type: flatten}, {type: dense, units: auto}]}\n"
    Path("a.yaml").write_text(text.replace("SCALE", "standard"))
    result = nntrain("check", "a.yaml")
    assert result.code == 2
    assert "model.layers.0: an embedding of 3 takes whole numbers from 0 to 2, got" in result.err
    Path("a.yaml").write_text(text.replace("SCALE", "none"))
    assert nntrain("check", "a.yaml").code == 0


def test_a_text_is_measured_a_portion_at_a_time(
    nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its predictions at once, (N, T, V), would not fit into memory."""
    write("{type: gru, units: 8, return_sequences: true}")
    assert nntrain("fit", "a.yaml").code == 0
    monkeypatch.setattr(evaluation, "predict", None)
    shapes: list[tuple[int, ...]] = []
    on_blocks = evaluation.on_blocks

    def seen(model: Any, x: Any, lengths: Any, then: Any, **more: Any) -> Any:
        def look(rows: slice, y: Any) -> Any:
            shapes.append(y.shape)
            return then(rows, y)

        return on_blocks(model, x, lengths, look, **more)

    monkeypatch.setattr(evaluation, "on_blocks", seen)
    result = nntrain("eval", "--data", "a.txt")
    assert result.code == 0
    assert "true \\ predicted" not in result.out
    assert shapes == [(1, 16, 15)] * len(shapes)
    assert len(shapes) == -(-(len(POEM) - 1) // 16)


def test_wide_rows_come_in_few_at_a_time() -> None:
    for width, size in [(1, 4096), (10**5, 32), (10**6, 16), (10**9, 1)]:
        assert next(iter(evaluation.blocks(10_000, width))).stop == size
