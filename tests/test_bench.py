"""What the measurements take as reference is right, and nntrain's side of the comparison runs."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path
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


PEERS = ROOT / "bench" / "peers"
WORKLOADS = ("W1", "W2", "W3", "W4", "W5", "W6", "W7a", "W7b")


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_few_rows_of_each_workload(name: str, tmp_path: Path) -> None:
    words = [str(PEERS / "with_nntrain.py"), "--workload", name, "--threads", "1", "--tiny"]
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "NNTRAIN_BENCH_DATA": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["workload"] == name
    assert len(found["epoch_s"]) == 2
    assert math.isfinite(found["final_loss"])
    for key in ("samples_per_s", "first_epoch_s", "peak_rss_mb"):
        assert found[key] > 0


def result(loss: float, foreign: float = 0.0) -> dict[str, object]:
    """Two rounds of W1 in which nntrain is first four, then eight times as fast as PyTorch."""
    rounds = [
        {
            "nntrain": {"samples_per_s": 400.0 * n, "final_loss": 0.5, "first_epoch_s": 0.2},
            "torch eager": {
                "samples_per_s": 100.0, "final_loss": loss, "process_s": 3.0, "foreign": foreign,
                "first_epoch_s": 1.0,
            },
            "command": {"process_s": 0.5 * n},
        }
        for n in (1, 2)
    ]  # fmt: skip
    about = {"workload": "W1", "about": "", "threads": 2, "beside": False, "date": "2026-01-01"}
    return {**about, "rounds": rounds, "machine": "", "versions": {}, "failed": {}}


def test_ratios_are_taken_within_a_round_and_only_where_losses_agree(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        import table
    finally:
        sys.path.remove(str(ROOT / "bench"))
    lines = "\n".join(table.detail(result(0.5001)))
    assert "| 6.00 [4.00 to 8.00] |" in lines
    assert "| 4.50 |" in lines  # 6 and 3 times as long
    assert "!" not in lines
    assert "losses differ" in "\n".join(table.detail(result(0.52)))
    assert "PyTorch eager !!" in "\n".join(table.detail(result(0.5, foreign=0.5)))
    (tmp_path / "W1-2.json").write_text(json.dumps(result(0.5)))
    table.write(tmp_path, table.read(tmp_path))
    assert "6.00 [4.00 to 8.00]" in (tmp_path / "performance.md").read_text()
