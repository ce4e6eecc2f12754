"""Outcome: what became of the trials, and what is kept of them."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nntrain.config.space import settled
from nntrain.config.sweep import noted
from nntrain.config.writing import as_config, one_line
from nntrain.run.archive import write_whole
from nntrain.tuning.journal import quietly
from nntrain.tuning.search import Search
from nntrain.values import dataclass
from nntrain.wording import plural

NOTED = "outcome"
STATES = {  # to have diverged is a result, and one to learn from
    "completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}  # fmt: skip
LEAST_FOR_IMPORTANCE = 10  # completed trials
CELLS = ("trial", "status", "score", "epochs", "seconds", "why")


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: `completed`, `pruned`, `diverged` or `failed`, and why."""

    status: str
    score: float | None
    summary: Mapping[str, Any]
    why: str

    @property
    def epochs(self) -> int:
        return int(self.summary.get("epochs", 0))

    @property
    def seconds(self) -> float:
        return float(self.summary.get("seconds", 0.0))

    def note(self, study: optuna.Study, trial: optuna.Trial) -> None:
        """Write it into the journal: the last line of a trial is that of its state."""
        facts = {"status": self.status, "score": self.score, "why": self.why}
        trial.set_user_attr(NOTED, {**facts, "epochs": self.epochs, "seconds": self.seconds})
        state = STATES[self.status]
        study.tell(trial, self.score if state is TrialState.COMPLETE else None, state=state)


def best_of(study: optuna.Study, sign: float) -> FrozenTrial | None:
    """The completed trial with the best score, the first one of several."""
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(completed, key=lambda trial: (sign * _value(trial), trial.number), default=None)


def _value(trial: FrozenTrial) -> float:
    return math.inf if trial.value is None else trial.value


def keep_the_best(search: Search, study: optuna.Study, best: FrozenTrial | None) -> None:
    """Of the others only what tells how they went is kept: weights take room."""
    for trial in study.get_trials(deepcopy=False):
        if trial.state.is_finished() and (best is None or trial.number != best.number):
            folder = search.folder.trial(trial.number)
            for file in (folder.model, folder.checkpoint, folder.previous):
                file.unlink(missing_ok=True)


def tried(search: Search, trial: FrozenTrial) -> dict[str, Any]:
    """A trial as plain values."""
    noted = trial.user_attrs.get(NOTED, {})
    folder = search.folder.trial(trial.number).path
    return {
        "trial": folder.name,
        "status": noted.get("status", "running") if trial.state.is_finished() else "running",
        "score": noted.get("score"),
        "epochs": noted.get("epochs", 0),
        "seconds": noted.get("seconds", 0.0),
        "why": noted.get("why", ""),
        "settings": search.plain(trial.params),
    }


def write_outcome(search: Search, study: optuna.Study, status: str) -> dict[str, Any]:
    """summary.json, trials.csv and best.yaml, of all trials so far."""
    trials = study.get_trials(deepcopy=False)
    with quietly():
        mattered = importance(study)
    rows = [tried(search, trial) for trial in trials]
    best = best_of(study, search.sign)
    summary = {
        "sweep": str(search.folder.path),
        "status": status,
        "monitor": search.monitor,
        "asked": search.asked,
        "counts": dict(Counter(row["status"] for row in rows)),
        "best": rows[best.number] if best else None,
        "best_config": str(search.folder.best) if best else None,
        "metrics": _metrics(search, best) if best else {},
        "importance": mattered,
        "seconds": round(math.fsum(row["seconds"] for row in rows), 3),
        "trials": rows,
    }
    _write_table(search, rows)
    if best:
        write_whole(search.folder.best, _config(search, best, rows).encode())
    search.folder.write_json(search.folder.summary, summary)
    for trial in trials:
        if trial.state.is_finished():
            search.folder.claim(trial.number).unlink(missing_ok=True)
    return summary


def _metrics(search: Search, best: FrozenTrial) -> dict[str, float | None]:
    """All scores of the best trial, those of the test rows too: nothing was chosen by them."""
    folder = search.folder.trial(best.number)
    found: dict[str, float | None] = folder.read_json(folder.summary)["metrics"]
    return found


def importance(study: optuna.Study) -> dict[str, float]:
    """How much of the difference between good and bad trials each setting makes, as shares.

    PED-ANOVA (Watanabe, Bansal & Hutter 2023, arXiv:2304.10255), of the settings that all trials
    have, and of their scores at the first epoch where they were compared, which those that were
    ended there have too.  Empty where too few trials are there.
    """
    compared = optuna.create_study(direction=study.direction)
    for trial in study.get_trials(deepcopy=False):
        early = trial.intermediate_values
        score = early[min(early)] if early else trial.value
        if score is not None and trial.state.is_finished():
            compared.add_trial(
                optuna.create_trial(
                    value=score, params=trial.params, distributions=trial.distributions
                )
            )
    if len(compared.trials) < LEAST_FOR_IMPORTANCE:
        return {}
    every = set.intersection(*(set(trial.params) for trial in compared.trials))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    try:
        found = optuna.importance.get_param_importances(
            compared, evaluator=evaluator, params=sorted(every)
        )
    except (ValueError, RuntimeError):  # no setting that all have, or no two different scores
        return {}
    return {key: round(share, 4) for key, share in found.items() if math.isfinite(share)}


def _write_table(search: Search, rows: list[dict[str, Any]]) -> None:
    keys = [dimension.key for dimension in search.space]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*CELLS, *keys])
    for row in rows:
        settings = (noted(row["settings"].get(key, "")) for key in keys)
        writer.writerow([*("" if row[c] is None else row[c] for c in CELLS), *settings])
    write_whole(search.folder.table, text.getvalue().encode())


def _config(search: Search, best: FrozenTrial, rows: list[dict[str, Any]]) -> str:
    """The config of the best trial, ready for `fit`."""
    row, path = rows[best.number], search.folder.path
    used = settled(search.base, search.space, best.params)[0]
    score = f"{row['score']:.6g}"
    lines = [one_line(key, value) for key, value in row["settings"].items()]
    comment = [
        f"The best of {plural(len(rows), 'trial')}: {row['trial']}, {search.monitor} {score}",
        "",
        f"  nntrain fit {search.folder.best}",
        "",
        "What the sweep chose:",
        *(f"  {line}" for line in lines),
    ]
    return as_config(used, path, path, comment)
