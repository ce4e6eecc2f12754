"""What the measurements take as reference is right."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def pca() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pca", ROOT / "bench" / "pca.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_principal_components_of_points_by_hand(pca: ModuleType) -> None:
    """Points around (1, 2), long along (3, 4) / 5 and short across: the short side is lost."""
    along, across = np.array([3.0, 4.0]) / 5, np.array([-4.0, 3.0]) / 5
    middle = np.array([1.0, 2.0])
    points = middle + np.array([10 * along, -10 * along, 2 * across, -2 * across])
    lost = (0 + 0 + 4 + 4) / 8  # four points of two numbers
    assert pca.reconstruction_error(points, points, 1) == pytest.approx(lost, rel=1e-12)
    assert pca.reconstruction_error(points, points, 2) == pytest.approx(0, abs=1e-20)
    elsewhere = (middle + 3 * along + 4 * across)[None]  # judged by others' components
    assert pca.reconstruction_error(points, elsewhere, 1) == pytest.approx(16 / 2, rel=1e-12)


def test_lost_is_what_the_left_out_singular_values_hold(pca: ModuleType) -> None:
    x = np.random.default_rng(0).normal(size=(30, 6)) * [5, 3, 2, 1, 1, 0.5] + 7
    held = np.linalg.eigvalsh(np.cov(x.T, bias=True))  # of the covariance, smallest first
    for code in range(1, 6):
        lost = held[: 6 - code].sum() / 6
        assert pca.reconstruction_error(x, x, code) == pytest.approx(lost, rel=1e-10)
