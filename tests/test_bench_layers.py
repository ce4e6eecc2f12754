"""Every layer that `bench/layers.py` times can be built and run as its table says."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nntrain import layers
from nntrain.call import Call
from nntrain.network import Network
from tests.conftest import ROOT


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "bench" / "peers"))
    import layer_cases

    return layer_cases


def test_layers_of_the_table_run(cases: ModuleType) -> None:
    keys = [case.key for case in cases.CASES]
    assert len(set(keys)) == len(keys)
    for case in cases.CASES:
        layer = eval(case.ours, vars(layers))  # noqa: S307
        network = Network([layer], case.shape[1:], input_gradient=True)
        x = np.ones((2, *case.shape[1:]), np.float32)
        y, backward = network(x, Call(training=True))
        dx = backward(np.ones_like(y))
        assert dx is not None
        assert dx.shape == x.shape


def test_numbers_of_cases_are_answered_with_seconds(
    cases: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cases, "ENOUGH", 0.0)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n0\n"))
    asked: list[str] = []

    def make_step(case: Any) -> Callable[[], object]:
        asked.append(case.key)
        return lambda: None

    cases.serve(make_step)
    assert asked == [cases.CASES[1].key, cases.CASES[0].key]
    assert len([float(line) for line in capsys.readouterr().out.splitlines()]) == 2
