"""Samplers: which settings come next.  What is drawn is a function of seed, trial and key, so that
a sweep that was killed goes on as if it had not been."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Study, Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from nntrain.config.space import Dimension
from nntrain.config.sweep import Value
from nntrain.rng import generator

FIRST_DRAWN = 10  # trials that tpe needs to learn from, as many as optuna has


def suggested(trial: Trial, dimension: Dimension) -> Value:
    """What optuna suggests for one key."""
    key, low, high, log = dimension.key, dimension.low, dimension.high, dimension.log
    if dimension.choices:
        return trial.suggest_categorical(key, list(dimension.choices))
    if dimension.whole:
        step = round(dimension.step or 1)
        return trial.suggest_int(key, round(low), round(high), step=step, log=log)
    return trial.suggest_float(key, low, high, step=dimension.step, log=log)


class Drawn(BaseSampler):
    """Each setting drawn by itself; those of `given` are what they are there."""

    def __init__(self, seed: int, given: Mapping[str, Value]):
        self.seed, self.given = seed, given

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        if param_name in self.given:
            return self.given[param_name]
        rng = generator(self.seed, "sweep", trial.number, param_name)
        if isinstance(param_distribution, CategoricalDistribution):
            return param_distribution.choices[int(rng.integers(len(param_distribution.choices)))]
        return _drawn(param_distribution, float(rng.random()))


def _drawn(range_: FloatDistribution | IntDistribution, share: float) -> float:
    """The number that stands at this share of a range."""
    low, high, step = range_.low, range_.high, range_.step
    whole = isinstance(range_, IntDistribution)
    if range_.log:
        ends = (low - 0.5, high + 0.5) if whole else (low, high)
        number = math.exp(math.log(ends[0]) + share * math.log(ends[1] / ends[0]))
        return min(max(round(number), low), high) if whole else number
    if step is None:
        return low + share * (high - low)
    count = round((high - low) / step) + 1
    return low + step * math.floor(share * count)


def sampler(
    method: str,
    seed: int,
    study: Study,
    number: int,
    first: Mapping[str, Value],
    grid: Sequence[Mapping[str, Value]],
) -> BaseSampler:
    """What draws the trial of this number from 0.

    first: settings of the first trial, as far as they are known; grid: those of all.
    """
    if method == "grid":
        return Drawn(seed, grid[number])
    learned = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    if method == "random" or len(learned) < FIRST_DRAWN:
        return Drawn(seed, {} if number else first)
    own = generator(seed, "sweep", number).integers(2**31)
    return TPESampler(n_startup_trials=0, multivariate=True, group=True, seed=int(own))
