"""Looking inside: the numbers are right, come at no price, and the words fit to them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.config import load
from nntrain.display import plain
from nntrain.display.live import LiveView
from nntrain.events import Event, LayerLook, LayersSeen, Saved, Warned
from nntrain.run.folder import RunFolder
from nntrain.run.history import History
from nntrain.run.progress import Progress
from nntrain.run.run import Run
from nntrain.training import insight
from nntrain.training.concerns import concerns, overfitting, overfitting_since
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit
from tests.conftest import CONFIG, ROOT, Command, write_points
from tests.test_run import start
from tests.test_training import NUMBERS, write_numbers

VANISHING = ROOT / "configs" / "vanishing"
CONFIGS = ("vanishing-tanh", "vanishing-residual", "vanishing-relu")


FAST = CONFIG.replace("learning_rate: 0.02", "learning_rate: 0.5").replace("16}", "64}")


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look after every epoch."""
    monkeypatch.setattr(insight, "STEPS", 1)


def looks_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "layers.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def warnings_in(events: Sequence[Event]) -> list[str]:
    return [event.kind for event in events if isinstance(event, Warned)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The events and looks of the three configs."""
    folder = tmp_path_factory.mktemp("vanishing")
    found: dict[str, Any] = {}
    for name in CONFIGS:
        events = list(fit(start(VANISHING / f"{name}.yaml", folder / name)))
        found[name] = (events, looks_of(folder / name))
    return found


class TestVanishingGradient:
    """The three configs of docs/vanishing-gradients.md."""

    def test_the_monitor_names_it(self, runs: dict[str, Any]) -> None:
        events, _ = runs["vanishing-tanh"]
        assert warnings_in(events) == ["vanishing", "baseline"]  # a linear model does better
        told = next(event for event in events if isinstance(event, Warned))
        assert "layers.0 gets" in told.message
        assert "`residual`" in told.advice

    @pytest.mark.parametrize("name", CONFIGS[1:])
    def test_residual_blocks_and_he_with_relu_have_none(
        self, runs: dict[str, Any], name: str
    ) -> None:
        # whether a linear model is as good is a matter of the last digits
        assert set(warnings_in(runs[name][0])) <= {"overfitting", "baseline"}

    def test_the_numbers_of_the_page_are_those_of_the_runs(self, runs: dict[str, Any]) -> None:
        page = (ROOT / "docs" / "vanishing-gradients.md").read_text(encoding="utf-8")
        lines = re.findall(r"^\| \d+ \| (.*) \|$", page, re.MULTILINE)
        shown = np.array([[float(cell) for cell in line.split("|")] for line in lines])
        names = ("output_gradient_norm", "gradient_norm")
        columns = [
            [float(look[name]) for look in runs[config][1] if look["epoch"] == "1"]
            for config in CONFIGS
            for name in names
        ]
        np.testing.assert_allclose(shown, np.array(columns).T, rtol=0.2)  # other BLAS, other bits
        assert shown[0, 0] / shown[-1, 0] < 1e-6
        assert (shown[0, 2:] / shown[-1, 2:] > 0.1).all()

    def test_the_accuracies_of_the_page_are_those_of_the_runs(self, runs: dict[str, Any]) -> None:
        page = (ROOT / "docs" / "vanishing-gradients.md").read_text(encoding="utf-8")
        for name, (events, _) in runs.items():
            line = next(line for line in page.splitlines() if f"{name}.yaml" in line)
            accuracy = events[-1].summary["metrics"]["test_accuracy"]
            assert float(line.split("|")[-2]) == pytest.approx(accuracy, abs=0.03)

    def test_the_page_quotes_the_warning(self, runs: dict[str, Any]) -> None:
        page = (ROOT / "docs" / "vanishing-gradients.md").read_text(encoding="utf-8")
        told = next(e for e in runs["vanishing-tanh"][0] if isinstance(e, Warned))
        assert plain.lines(told)[1] in page
        assert plain.lines(told)[0].split(" gets ")[0] in page


class TestNumbers:
    """Against what they mean, worked out by hand on one dense layer."""

    @pytest.mark.usefixtures("often")
    def test_gradient_norms_and_the_update_ratio(self, tmp_path: Path) -> None:
        config = NUMBERS.replace("[{type: dense, units: 3}, ", "[").replace("8}", "24}")
        run = start(write_numbers(tmp_path, config), tmp_path / "run")
        W, b = (float(w.item()) for w in run.model.network.store.weights.values())
        x, y = np.arange(24) / 24, np.arange(24) / 240
        expected = []
        for _ in range(2):
            before, error = W, x * W + b - y
            W, b = W - 0.01 * 2 * float(np.mean(error * x)), b - 0.02 * float(np.mean(error))
            error = x * W + b - y  # the look comes after the step
            gradient = np.hypot(2 * np.mean(error * x), 2 * np.mean(error))
            output = np.sqrt(np.sum((2 * error / 24) ** 2))
            expected.append([gradient, output, abs(W - before) / abs(before)])
        events = list(fit(run))
        seen = [event.looks[0] for event in events if isinstance(event, LayersSeen)]
        assert [(look.epoch, look.layer, look.kind) for look in seen] == [
            (1, "layers.0", "dense"),
            (2, "layers.0", "dense"),
        ]
        found = [list(look[3:6]) for look in seen]
        np.testing.assert_allclose(np.array(found), np.array(expected), rtol=1e-4)

    @pytest.mark.usefixtures("often")
    def test_units_that_are_always_0_are_dead(self, tmp_path: Path) -> None:
        text = CONFIG.replace("activation: tanh", "activation: relu")
        run = start(write_points(tmp_path, config=text), tmp_path / "run")
        store = run.model.network.store
        store.weights["layers.0.b"][:6] = -1e6
        events = list(fit(run))
        seen = [event.looks for event in events if isinstance(event, LayersSeen)]
        assert [look.dead_share for look in seen[0]] == [0.75, None]
        assert warnings_in(events) == ["dead"], "told at every look"
        told = next(event for event in events if isinstance(event, Warned))
        assert told.message.startswith("75% of the units of layers.0 are 0")

    def test_nested_layers_have_rows_of_their_own_weights(self) -> None:
        names = ["layers.0.projection", "layers.0.layers.0.W", "layers.10.forward.W"]
        rows = ["layers.0.layers.0", "layers.0", "layers.10", "layers.1"]
        assert insight._owned(names, rows) == {
            "layers.0.layers.0": ["layers.0.layers.0.W"],
            "layers.0": ["layers.0.projection"],
            "layers.10": ["layers.10.forward.W"],
            "layers.1": [],
        }


class TestEvaluatedTrainLoss:
    """`train_loss_evaluated`: training rows measured as validation rows are."""

    def test_it_is_the_loss_of_some_training_rows_without_dropout(self, tmp_path: Path) -> None:
        text = CONFIG.replace("rate: 0.1", "rate: 0.7").replace("max_epochs: 6", "max_epochs: 1")
        run = start(write_points(tmp_path, config=text), tmp_path / "run")
        list(fit(run))
        some = insight.sample(run)
        train, validation = (run.dataset.parts[name] for name in ("train", "validation"))
        assert len(some) == len(validation) < len(train)
        assert set(some.rows) < set(train.rows)
        row = run.progress.history[0]
        expected = evaluate(run.model, some)["loss"]
        assert row["train_loss_evaluated"] == pytest.approx(expected, rel=1e-6)
        assert abs(row["train_loss_evaluated"] - row["train_loss"]) > 1e-3

    def test_without_validation_rows_and_with_many_there_is_a_bound(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = start(write_numbers(tmp_path), tmp_path / "run")
        assert len(insight.sample(run)) == 24
        monkeypatch.setattr(insight, "MOST_EVALUATED", 7)
        assert len(insight.sample(run)) == 7

    def test_every_run_of_a_seed_takes_the_same_rows(self, tmp_path: Path) -> None:
        config = write_points(tmp_path)
        one, two = (insight.sample(start(config, tmp_path / name)).rows for name in "ab")
        np.testing.assert_array_equal(one, two)


class TestNothingDependsOnIt:
    """Looks come and go without a trace, and after a resume they are the same."""

    def test_training_is_the_same_without_looks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = write_points(tmp_path)
        for name, steps in (("often", 1), ("once", 10**9)):
            monkeypatch.setattr(insight, "STEPS", steps)
            list(fit(start(config, tmp_path / name)))
        assert len(looks_of(tmp_path / "often")) == 12
        assert len(looks_of(tmp_path / "once")) == 2
        for file in ("model.safetensors", "metrics.csv"):
            one, other = ((tmp_path / name / file).read_bytes() for name in ("often", "once"))
            assert one == other

    @pytest.mark.usefixtures("often")
    @pytest.mark.parametrize("steps", [2, 3, 4, 9, 18])
    def test_a_resumed_run_has_the_looks_and_warnings_of_the_whole_one(
        self, tmp_path: Path, steps: int
    ) -> None:
        config = write_points(tmp_path, config=FAST)
        whole = list(fit(start(config, tmp_path / "whole")))
        done = iter([""] * (steps - 1) + ["interrupted"] * 99)
        first = list(fit(start(config, tmp_path / "cut"), stop=lambda: next(done)))
        second = list(fit(Run.resume(RunFolder(tmp_path / "cut"))))
        assert "fast" in warnings_in(whole)
        assert warnings_in(first) + warnings_in(second) == warnings_in(whole)
        files = [(tmp_path / name / "layers.csv").read_bytes() for name in ("whole", "cut")]
        assert files[0] == files[1]

    @pytest.mark.usefixtures("often")
    def test_a_killed_run_loses_and_doubles_no_look(self, tmp_path: Path) -> None:
        text = CONFIG.replace("batch_size: 16", "batch_size: 64, checkpoint_seconds: 0")
        config = write_points(tmp_path, config=text)
        list(fit(start(config, tmp_path / "whole")))
        for event in fit(start(config, tmp_path / "killed")):
            if isinstance(event, LayersSeen) and event.looks[0].epoch == 3:
                break
        list(fit(Run.resume(RunFolder(tmp_path / "killed"))))
        assert looks_of(tmp_path / "killed") == looks_of(tmp_path / "whole")

    def test_numbers_that_are_not_finite_survive_a_checkpoint(self) -> None:
        look = LayerLook(1, "layers.0", "dense", float("inf"), 1e-30, None, 0.5)
        progress = Progress(looks=[look], warned=["dead"])
        assert Progress.from_plain(progress.to_plain(), History()) == progress


def looks(outputs: Sequence[float | None], ratio: float = 1e-3) -> list[LayerLook]:
    return [
        LayerLook(1, f"layers.{i}", "dense", 1.0, out, ratio, None) for i, out in enumerate(outputs)
    ]


class TestConcerns:
    """When to say what."""

    experiment = load(ROOT / "configs" / "penguins.yaml").experiment
    row = {"epoch": 1.0, "learning_rate": 3e-3}  # noqa: RUF012

    def kinds(self, seen: list[LayerLook], **row: float) -> list[str]:
        return [problem.kind for problem in concerns(seen, self.experiment, self.row | row)]

    @pytest.mark.parametrize(
        ("outputs", "expected"),
        [
            ([1.0, 1.0, 1.0], []),
            ([2e-3, 1.0, 1.0], []),
            ([5e-4, 1.0, 1.0], ["vanishing"]),
            ([0.0, 0.0, 1.0], ["vanishing"]),
            ([2e3, 1.0, 1.0], ["exploding"]),
            ([1e-9, 1.0], []),  # two layers are no depth
            ([0.0, 0.0, 0.0], []),  # nothing is left to learn
        ],
    )
    def test_gradients_along_the_depth(self, outputs: list[float], expected: list[str]) -> None:
        assert self.kinds(looks(outputs)) == expected

    def test_layers_without_weights_do_not_count(self) -> None:
        seen = looks([1e-9, 1.0, 1.0, 1.0])
        seen[0] = seen[0]._replace(gradient_norm=None)
        assert self.kinds(seen) == []

    @pytest.mark.parametrize(
        ("ratio", "expected"), [(0.2, ["fast"]), (0.05, []), (1e-4, []), (1e-6, ["slow"])]
    )
    def test_the_learning_rate(self, ratio: float, expected: list[str]) -> None:
        assert self.kinds(looks([1.0], ratio)) == expected

    def test_slow_is_said_in_the_first_epoch_and_not_while_warming_up(self) -> None:
        assert self.kinds(looks([1.0], 1e-6), epoch=2.0) == []
        assert self.kinds(looks([1.0], 1e-6), learning_rate=1e-5) == []

    def test_the_size_of_steps_is_no_news_where_gradients_vanish(self) -> None:
        assert self.kinds(looks([1e-9, 1.0, 1.0], 1e-9)) == ["vanishing"]

    @pytest.mark.parametrize(
        ("losses", "told"),
        [
            ([(1.0, 1.0), (0.5, 0.5), (0.3, 0.6)], True),
            ([(1.0, 1.0), (0.5, 0.5), (0.3, 0.51)], False),  # hardly worse
            ([(1.0, 1.0), (0.5, 0.5), (0.6, 0.7)], False),  # both worse: something else
            ([(1.0, 1.0), (0.5, 0.5)], False),  # the best is the last
        ],
    )
    def test_over_fitting(self, losses: list[tuple[float, float]], told: bool) -> None:
        names = ("train_loss_evaluated", "validation_loss")
        history = [dict(zip(names, pair, strict=True)) for pair in losses]
        found = list(overfitting(Progress(best_epoch=2, history=History(history))))
        assert bool(found) == told
        if told:
            assert "since epoch 2" in found[0].message
            assert "from 0.5 to 0.3" in found[0].message

    @pytest.mark.parametrize(
        ("losses", "since"),
        [
            ([(1.0, 1.0), (0.5, 0.5), (0.4, 0.6), (0.4, 0.7), (0.4, 0.6)], 2),
            ([(1.0, 1.0), (0.5, 0.5), (0.4, 0.6), (0.4, 0.7)], 0),  # too early to tell
            ([(1.0, 1.0), (0.5, 0.5), (0.4, 0.9), (0.4, 0.51), (0.4, 0.1)], 0),  # one odd epoch
            ([(1.0, 1.0), (0.5, 0.5), (0.6, 0.6), (0.6, 0.7), (0.6, 0.6)], 0),  # both worse
        ],
    )
    def test_over_fitting_while_it_trains(
        self, losses: list[tuple[float, float]], since: int
    ) -> None:
        names = ("train_loss_evaluated", "validation_loss")
        history = [dict(zip(names, pair, strict=True)) for pair in losses]
        progress = Progress(best_epoch=2, history=History(history))
        assert overfitting_since(progress) == since
        blind = [{"train_loss_evaluated": row["train_loss_evaluated"]} for row in history]
        assert overfitting_since(Progress(best_epoch=2, history=History(blind))) == 0
        assert overfitting_since(Progress(history=History(history))) == 0

    def test_without_validation_nothing_is_said_of_over_fitting(self) -> None:
        history = [{"train_loss_evaluated": 1.0}, {"train_loss_evaluated": 0.5}]
        assert not list(overfitting(Progress(best_epoch=1, history=History(history))))
        assert not list(overfitting(Progress()))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class TestDisplay:
    """Warnings reach everybody; tables of layers only the log."""

    told = Warned("dead", "units [3] are dead", "try [elu]")

    def test_both_views_show_a_warning_as_it_is(self) -> None:
        assert plain.lines(self.told) == ["warning: units [3] are dead", "  try [elu]"]
        stream = Terminal()
        with LiveView(stream) as live:
            live.see(self.told)
        assert "warning: units [3] are dead" in stream.getvalue()

    def test_the_log_alone_has_what_was_seen(self, nntrain: Command, points: Path) -> None:
        points.write_text(FAST)
        result = nntrain("fit", points, "-o", "run")
        log = Path("run/train.log").read_text(encoding="utf-8")
        assert "epoch 1: layer  kind" in log
        assert "epoch 1: layer  kind" not in result.err
        for stream in (log, result.err):
            assert (
                stream.count(
                    "warning: the learning rate is too high: one step moves a typical weight by"
                )
                == 1
            )

    def test_a_checkpoint_of_an_interrupted_run_is_still_told(self, tmp_path: Path) -> None:
        run = start(write_points(tmp_path), tmp_path / "run")
        events = list(fit(run, stop=lambda: "interrupted"))
        assert any(isinstance(event, Saved) for event in events)
        assert not looks_of(tmp_path / "run")


def test_a_look_at_wide_rows_takes_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    monkeypatch.setattr(insight, "MOST_BYTES", 4 * run.model.network.widest * 3)
    assert len(insight.Insight(run).few) == 3
