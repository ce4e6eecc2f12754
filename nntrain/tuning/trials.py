"""Trials: the loop of a sweep.  A generator of events, as `fit` is.

Whatever is decided (which trial is next, which one is the best) is decided under the sweep's lock,
from the journal, so that processes that share it never clash.  A trial belongs to the process that
holds its claim; one that runs in the journal while nobody holds its claim was left by a process
that ended, and is gone on with, with the same settings, from its last checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from typing import Any

import optuna
from optuna.trial import TrialState

from nntrain.config import Loaded
from nntrain.config.sweep import Value
from nntrain.data.dataset import Dataset
from nntrain.errors import DivergedError, MachineError, NNTrainError
from nntrain.events import EpochEnded, Event, SettingsTried, SweepEnded, TrialBegan
from nntrain.run.folder import FINISHED, RunFolder
from nntrain.run.lock import locked
from nntrain.run.run import Run
from nntrain.run.trials import summary_of
from nntrain.training.fit import Stop, fit
from nntrain.tuning.halving import may_go_on, rungs
from nntrain.tuning.journal import open_study, quietly
from nntrain.tuning.outcome import Outcome, best_of, keep_the_best, write_outcome
from nntrain.tuning.samplers import sampler
from nntrain.tuning.search import Search
from nntrain.values import dataclass

Load = Callable[[Loaded], Dataset]


@dataclass(frozen=True)
class Claim:
    """A trial that this process trains: number from 0; held: its lock."""

    number: int
    trial: optuna.Trial
    settings: dict[str, Value]
    held: ExitStack


class Sweeping:
    """One process's share in a sweep."""

    def __init__(self, search: Search, load: Load, stop: Stop = str):
        self.search, self.load, self.stop = search, load, stop
        self.folder = search.folder
        with self._alone():
            self.study = open_study(self.folder.journal, maximize=search.sign < 0)

    def _alone(self) -> AbstractContextManager[None]:
        return locked(self.folder.deciding, wait=True)

    def run(self) -> Iterator[Event]:
        """Train until as many trials have begun as are asked for, and none is left behind.

        Yields `TrialBegan`, the events of its training and `SettingsTried` for each trial, and
        then `SweepEnded`.
        """
        status = ""
        while not status and (claim := self._claimed()):
            with claim.held:
                status = yield from self._one(claim)
        with self._alone():
            yield SweepEnded(write_outcome(self.search, self.study, status or "completed"))

    def _claimed(self) -> Claim | None:
        """A trial that was left behind, or a new one; None where all have begun."""
        with self._alone(), quietly():
            trials = self.study.get_trials(deepcopy=False)
            for trial in trials:
                if trial.state is TrialState.RUNNING and (held := self._hold(trial.number)):
                    self._sample(trial.number)
                    return self._settled(held, optuna.Trial(self.study, trial._trial_id))
            if len(trials) >= self.search.asked:
                return None
            if held := self._hold(len(trials)):  # nobody has one that does not exist yet
                self._sample(len(trials))
                return self._settled(held, self.study.ask())
            return None

    def _hold(self, number: int) -> ExitStack | None:
        """The claim on a trial, unless another process has it."""
        held = ExitStack()
        try:
            held.enter_context(locked(self.folder.claim(number)))
        except MachineError:
            return None
        return held

    def _sample(self, number: int) -> None:
        search = self.search
        is_grid = search.sweep.method == "grid"
        self.study.sampler = sampler(
            search.sweep.method, search.loaded.experiment.seed, self.study, number,
            search.as_it_stands, search.grid if is_grid else (),
        )  # fmt: skip

    def _settled(self, held: ExitStack, trial: optuna.Trial) -> Claim:
        return Claim(trial.number, trial, self.search.suggest(trial), held)

    def _one(self, claim: Claim) -> Generator[Event, None, str]:
        """Train one trial to its end; returns why the sweep ends with it, if it does."""
        status, why, summary = "", "", dict[str, Any]()
        try:
            summary = yield from self._trained(claim)
        except DivergedError as error:
            status, why = "diverged", str(error).partition("\n")[0]
        except (MachineError, OSError):
            raise  # no fault of the settings
        except Exception as error:  # of these settings; the next ones may be sound
            defect = "" if isinstance(error, NNTrainError) else f"{type(error).__name__}: "
            status, why = "failed", f"{defect}{error}".partition("\n")[0]
        ended = summary.get("status", status)
        if ended not in (*FINISHED, "pruned", "diverged", "failed"):
            return str(ended)
        score = summary.get("metrics", {}).get(self.search.monitor)
        if not status:
            status = "pruned" if ended == "pruned" else "completed"
            if score is None:
                status, why = "failed", f"{self.search.monitor} is not defined"
        yield self._tell(claim, Outcome(status, score, summary, why))
        return ""

    def _trained(self, claim: Claim) -> Generator[Event, None, dict[str, Any]]:
        """The summary of a trial's training."""
        folder = self.folder.trial(claim.number)
        if folder.status() in (*FINISHED, "pruned"):  # its process ended before it was noted
            return summary_of(folder)
        run = self._opened(claim, folder)
        goes_on, count = run.progress.step > 0, self.search.asked
        yield TrialBegan(folder.path, claim.number + 1, count, goes_on, tuple(run.notes))
        judged = self._rungs(run)
        events = fit(run, self.stop)
        with closing(events):
            for event in events:
                yield event
                if isinstance(event, EpochEnded) and run.progress.epoch in judged:
                    score = event.row[self.search.monitor]
                    if not self._may_go_on(claim, run.progress.epoch, score):
                        break
            else:
                return summary_of(folder)
        return self._pruned(run, score)

    def _opened(self, claim: Claim, folder: RunFolder) -> Run:
        """The run of a trial, at its last checkpoint if it has begun."""
        if folder.manifest.exists():
            return Run.resume(folder)
        loaded = self.search.loaded_of(claim.number, claim.settings)
        dataset = self.load(loaded)
        return Run.start(loaded, dataset, folder.path, overwrite=True, threads=self.search.threads)

    def _rungs(self, run: Run) -> tuple[int, ...]:
        """The epochs at whose ends the trial may be over."""
        sweep, base = self.search.sweep, self.search.loaded.experiment.trainer.max_epochs
        if sweep.pruner == "none":
            return ()
        least = sweep.min_epochs or max(1, base // 9)
        return rungs(least, run.model.experiment.trainer.max_epochs)

    def _may_go_on(self, claim: Claim, epoch: int, score: float) -> bool:
        with quietly():  # after a kill an epoch may be told twice
            if math.isfinite(score):
                claim.trial.report(score, epoch)
        trials = self.study.get_trials(deepcopy=False)
        others = [t.intermediate_values for t in trials if t.number != claim.number]
        sign = self.search.sign
        return may_go_on(sign * score, [sign * one[epoch] for one in others if epoch in one])

    def _pruned(self, run: Run, score: float) -> dict[str, Any]:
        summary = {
            "run": str(run.folder.path),
            "status": "pruned",
            "epochs": run.progress.epoch,
            "best_epoch": run.progress.best_epoch,
            "metrics": {self.search.monitor: score if math.isfinite(score) else None},
            "seconds": round(run.progress.seconds, 3),
        }
        run.folder.write_json(run.folder.summary, summary)
        return summary

    def _tell(self, claim: Claim, outcome: Outcome) -> SettingsTried:
        """Note in the journal what became of a trial."""
        with self._alone(), quietly():
            before = best_of(self.study, self.search.sign)
            outcome.note(self.study, claim.trial)
            best = best_of(self.study, self.search.sign)
            keep_the_best(self.search, self.study, best)
        return SettingsTried(
            self.folder.trial(claim.number).path,
            claim.number + 1,
            self.search.asked,
            self.search.plain(claim.settings),
            outcome.status,
            self.search.monitor,
            outcome.score,
            outcome.epochs,
            outcome.seconds,
            outcome.why,
            best is not None and best.number == claim.number and before != best,
        )
