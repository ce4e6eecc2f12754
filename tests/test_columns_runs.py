"""Runs on all kinds of columns: stopped and taken up again to the bit, and the same twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate, predict
from nntrain.training.fit import fit
from tests.cases import over
from tests.models.make import begin

TRAINER = "trainer: {max_epochs: 4, batch_size: 5}\n"
every_kind = over("kind", ["columns", "hashed", "ordinal", "reviews"])


def started(kind: str, folder: Path) -> Run:
    folder.mkdir()
    return begin(kind, folder, TRAINER)


@every_kind
def test_a_stopped_run_goes_on_to_the_bit(kind: str, tmp_path: Path) -> None:
    straight, stopped = (started(kind, tmp_path / name) for name in ("straight", "stopped"))
    list(fit(straight))
    steps = iter(range(100))
    list(fit(stopped, stop=lambda: "interrupted" if next(steps) == 6 else ""))
    assert stopped.progress.step == 7
    again = Run.resume(stopped.folder)
    list(fit(again))
    assert again.folder.model.read_bytes() == straight.folder.model.read_bytes()
    theta = straight.model.network.store.theta
    np.testing.assert_array_equal(again.model.network.store.theta, theta)


@every_kind
def test_scores_and_answers_are_the_same_whatever_the_blocks(kind: str, tmp_path: Path) -> None:
    run = started(kind, tmp_path / "run")
    part = run.dataset.parts["train"]
    whole, scores = predict(run.model, part.x, part.lengths), evaluate(run.model, part)
    assert len(whole) == len(part)
    assert all(np.isfinite(list(scores.values())))
    for row in range(len(part)):
        one = part.take(np.array([row]))
        alone = predict(run.model, one.x, one.lengths)
        np.testing.assert_allclose(alone[0], whole[row], rtol=1e-5, atol=1e-6)
