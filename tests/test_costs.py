"""What `check` tells of memory and time, and that it does so within bounds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.config import Loaded, load
from nntrain.data.dataset import Dataset
from nntrain.display import costs as display
from nntrain.flops import Flops
from nntrain.optimizers import Adam
from nntrain.run.model import build_plan
from nntrain.run.run import Run
from nntrain.training import timing
from nntrain.training.costs import costs
from nntrain.training.memory import memory
from tests.conftest import CONFIG, Command, write_points

WIDE = """\
data: {path: points.csv, target: kind}
model:
  layers:
    - {type: dense, units: 1200, activation: relu}
    - {type: dense, units: 1200, activation: relu}
    - {type: dense, units: auto}
loss: cross_entropy
trainer: {max_epochs: 2, batch_size: 100}
"""
BLOCKS = CONFIG.replace(
    "    - {type: dropout, rate: 0.1}\n",
    "    - {type: residual, repeat: 5, layers: [{type: dense, units: 8, activation: relu}]}\n"
    "    - type: graph\n"
    "      outputs: both\n"
    "      nodes:\n"
    "        a_rather_long_name: {input: input, layers: [{type: dense, units: 4}]}\n"
    "        both: {combine: concatenate, input: [input, a_rather_long_name]}\n",
)


def made(folder: Path, config: str = CONFIG, rows: int = 200) -> tuple[Loaded, Dataset]:
    loaded = load(write_points(folder, rows, config))
    experiment = loaded.experiment
    return loaded, Dataset.load(experiment.data, loaded.data_path, experiment.loss.task, 0)


def costs_of(folder: Path, config: str = CONFIG) -> dict[str, Any]:
    loaded, dataset = made(folder, config)
    plan = build_plan(loaded.experiment, dataset.preprocessor)
    return costs(loaded.experiment, plan, dataset)


class TestMemory:
    """From the plan."""

    def test_vectors_are_counted(self, tmp_path: Path) -> None:
        loaded, dataset = made(tmp_path)
        plan = build_plan(loaded.experiment, dataset.preprocessor)
        found = memory(loaded.experiment, plan, dataset)
        run = Run.scratch(loaded.experiment, dataset)
        store = run.model.network.store
        assert found.weights == store.theta.nbytes + store.grad.nbytes
        kept = [*run.slots.values(), run.best["theta"]]
        assert found.copies == sum(vector.nbytes for vector in kept) == 3 * 4 * 58
        assert found.total == sum(found)

    @pytest.mark.parametrize(
        ("more", "copies"),
        [("averaging: ema\n", 4), ("on_divergence: {}\n", 3 + 4), ("optimizer: sgd\n", 1)],
        ids=lambda value: str(value).strip(),
    )
    def test_what_a_config_keeps_besides(self, tmp_path: Path, more: str, copies: int) -> None:
        text = CONFIG.replace("optimizer: {type: adam, learning_rate: 0.02}\n", "")
        assert costs_of(tmp_path, text + more)["memory"]["copies"] == copies * 4 * 58

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it")
    def test_the_estimate_is_near_what_a_fit_takes(self, tmp_path: Path) -> None:
        """1.45 million weights: within a factor of 1.5 (and it was made for no such network)."""
        loaded, dataset = made(tmp_path, WIDE)
        plan = build_plan(loaded.experiment, dataset.preprocessor)
        told = memory(loaded.experiment, plan, dataset).total
        command = "from nntrain.cli import main; main()"
        words = [sys.executable, "-c", command, "fit", "points.yaml", "-q"]
        most = 0
        with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                most = max(most, anonymous(process.pid))
                time.sleep(0.002)
        assert process.returncode == 0
        assert most / 1.5 < told < most * 1.5


def anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


class TestTime:
    """By the clock, or reckoned."""

    def test_shares_sum_to_one_and_nothing_is_written_or_learned(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded, dataset = made(tmp_path)
        monkeypatch.chdir(tmp_path)
        before = sorted(tmp_path.iterdir())
        run = Run.scratch(loaded.experiment, dataset)
        theta = run.model.network.store.theta.copy()
        found = timing.timed(run)
        assert sum(found.shares.values()) == pytest.approx(1.0)
        assert set(found.shares) == {"layers.0", "layers.1", "layers.2", "loss", "update"}
        assert all(share >= 0 for share in found.shares.values())
        assert 0 < found.step < found.epoch
        assert np.array_equal(run.model.network.store.theta, theta)
        assert sorted(tmp_path.iterdir()) == before

    def test_a_slow_layer_has_the_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded, dataset = made(tmp_path)
        slow = Adam.move
        run = Run.scratch(loaded.experiment, dataset)

        def moves(*given: Any) -> None:
            time.sleep(0.005)
            slow(*given)

        monkeypatch.setattr(Adam, "move", moves)
        found = timing.timed(run)
        assert found.shares["update"] > 0.8
        assert found.step > 0.005

    def test_layers_inside_count_in_what_holds_them(self, tmp_path: Path) -> None:
        result = costs_of(tmp_path, BLOCKS)
        loaded, dataset = made(tmp_path, BLOCKS)
        rows = build_plan(loaded.experiment, dataset.preprocessor).layers
        shares = {
            row.path: own["time_share"] for row, own in zip(rows, result["layers"], strict=True)
        }
        inside = sum(shares[f"layers.1.blocks.{i}"] for i in range(5))
        assert inside <= shares["layers.1"]
        outer = [share for path, share in shares.items() if path.count(".") == 1]
        seconds = result["seconds"]
        assert sum(outer) + seconds["loss_share"] + seconds["update_share"] == pytest.approx(1)

    def test_what_is_too_large_is_reckoned(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timing, "MOST_FLOPS", 1.0)
        result = costs_of(tmp_path)
        assert "a batch takes" in result["seconds"]["untried"]
        assert result["seconds"]["epoch"] > 0
        assert all(layer["time_share"] is None for layer in result["layers"])

    def test_reasons_not_to_try(self) -> None:
        each = Flops(10, 30)
        assert timing.too_large(each, 32, 100, 10**9, 4 * 10**9) == ""
        assert "54 GFLOP" in timing.too_large(Flops(1, 27 * 10**9), 2, 1, 1, 0)
        assert "60 million weights" in timing.too_large(each, 32, 60_000_000, 1, 0)
        assert "3.0 GB, this machine has 4.0" in timing.too_large(each, 1, 1, 3 * 10**9, 4 * 10**9)

    def test_a_first_step_that_diverges_is_told(self, nntrain: Command, points: Path) -> None:
        far = "model.layers.0.kernel_initializer={type: constant, value: 1e38}"
        linear = "model.layers.0.activation=identity"
        result = nntrain("check", points, "--set", far, "--set", linear)
        assert result.code == 0
        assert "time: not known, the first step diverges" in result.out
        told = json.loads(nntrain("check", points, "--set", far, "--set", linear, "--json").out)
        assert told["seconds"]["step"] is None


class TestTable:
    """At any width."""

    @pytest.mark.parametrize("columns", [60, 80, 120])
    @pytest.mark.parametrize("options", [(), ("-v",)], ids=str)
    def test_it_fits(
        self,
        nntrain: Command,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        columns: int,
        options: tuple[str, ...],
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        config = write_points(tmp_path, config=BLOCKS)
        lines = nntrain("check", config, *options).out.splitlines()
        assert max(map(len, lines)) <= columns
        heads = ["layer", "kind", "output", "parameters", "FLOPs", "time"]
        assert [word for word in lines[0].split() if word != "training"] == heads
        assert sum("blocks." in line for line in lines) == (5 if options else 1)

    def test_equal_blocks_are_one_line_with_their_sums(self, tmp_path: Path) -> None:
        rows = [
            {"layer": f"layers.1{path}", "kind": "residual", "shape": [8], "parameters": count,
             "flops": 1, "training_flops": 3, "time_share": None}
            for path, count in
            (("", 9), (".blocks.0", 5), (".blocks.1", 2), (".blocks.2", 2), (".blocks.3", 2))
        ]  # fmt: skip
        found = display.folded(rows)
        assert [(row["layer"], row["parameters"]) for row in found] == [
            ("layers.1", 9), ("layers.1.blocks.0", 5), ("layers.1.blocks.1 … 3", 6),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (0, "0"),
            (999, "999"),
            (1000, "1k"),
            (15_067_584, "15.1M"),
            (5.4e9, "5.4G"),
            (2e15, "2P"),
        ],
    )
    def test_amounts(self, value: float, shown: str) -> None:
        assert display.amount(value) == shown
