"""What a report draws of probabilities is what scikit-learn draws, and what the scores say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nntrain.metrics import AveragePrecision, CalibrationError, RocAuc
from nntrain.report import certainty
from nntrain.report.judged import Certainty
from tests.cases import reference

ENTRIES = reference("sklearn", "report of")


@pytest.fixture(params=ENTRIES, ids=str)
def entry(request: pytest.FixtureRequest) -> Any:
    return ENTRIES[request.param]


def of(entry: Any, *, weighted: bool = True) -> Certainty:
    p, true = np.array(entry["p"]), np.array(entry["true"])
    weights = np.array(entry["weights"]) if weighted else np.ones(len(true))
    return Certainty("t", tuple(map(str, range(p.shape[1]))), p, true, weights)


def test_roc_has_the_points_and_the_area_of_scikit_learn(entry: Any) -> None:
    found = {ranking.name: ranking for ranking in certainty.rankings(of(entry))}
    assert found.keys() == entry["classes"].keys()
    for name, known in entry["classes"].items():
        assert np.allclose(found[name].fall_out, known["fall_out"], rtol=0, atol=1e-12)
        assert np.allclose(found[name].recall, known["recall"], rtol=0, atol=1e-12)
        assert found[name].area == pytest.approx(known["area"], abs=1e-12)
        drawn = np.trapezoid(found[name].recall, found[name].fall_out)
        assert drawn == pytest.approx(known["area"], abs=1e-12)


def test_precision_and_recall_are_those_of_scikit_learn(entry: Any) -> None:
    for ranking in certainty.rankings(of(entry)):
        known = entry["classes"][ranking.name]
        precision, recall = np.array(known["precision"])[-2::-1], known["precision_recall"][-2::-1]
        x, y = (
            ranking.steps()
        )  # which end where all are found; scikit-learn goes on to the last row
        assert np.allclose(x[1::2], recall[: len(x) // 2], rtol=0, atol=1e-12)
        assert np.allclose(y[1::2], precision[: len(y) // 2], rtol=0, atol=1e-12)
        assert np.allclose(recall[len(x) // 2 :], 1.0)
        assert np.diff(x) @ y[1:] == pytest.approx(known["average"], abs=1e-12)
        assert ranking.precision == pytest.approx(known["average"], abs=1e-12)


def test_bins_are_those_of_scikit_learn(entry: Any) -> None:
    one = of(entry, weighted=False)
    count, right, confidence = CalibrationError().label_sums(one.p, one.true, one.weights)
    there = count > 0
    assert np.allclose(right[there] / count[there], entry["share"], rtol=0, atol=1e-12)
    assert np.allclose(confidence[there] / count[there], entry["sure"], rtol=0, atol=1e-12)


def test_the_areas_are_what_the_metrics_say(entry: Any) -> None:
    one = of(entry)
    shown, true = one.p, one.true
    if one.p.shape[1] == 2:
        shown, true = one.p[:, 1:], one.true[:, None].astype(float)
    for metric, areas in (
        (RocAuc(), [ranking.area for ranking in certainty.rankings(one)]),
        (AveragePrecision(), [ranking.precision for ranking in certainty.rankings(one)]),
    ):
        score = metric.score(metric.sums(shown, true, one.weights))
        assert np.mean(areas) == pytest.approx(score, abs=1e-12)


def test_a_class_without_rows_is_left_out() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1]])
    one = Certainty("t", ("a", "b", "c"), p, np.array([0, 1, 1]), np.ones(3))
    assert [ranking.name for ranking in certainty.rankings(one)] == ["a", "b"]
