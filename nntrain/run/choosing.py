"""Choosing among recorded runs: by `key=value`, in the order of a key.

A key is one of `FACTS`, a score (`validation_loss`), or a key path of the config
(`optimizer.type`).  What a run has not is null there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from operator import ge, gt, le, lt
from typing import Any

from nntrain.config.scalars import scalar
from nntrain.errors import ConfigError, NNTrainError
from nntrain.run.differences import config_of, flat
from nntrain.run.recorded import Recorded
from nntrain.values import dataclass
from nntrain.wording import listed, nearest, quoted

FACTS = ("run", "status", "created", "epochs", "best_epoch", "seconds")
SIGN = re.compile(r"\s*(<=|>=|!=|=|<|>)\s*")
ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass
class Candidate:
    """A run with what may be asked of it; its config is read when a key is none of the others."""

    run: Recorded
    plain: dict[str, Any]
    damage: list[str] = field(default_factory=list)
    _config: dict[str, Any] | None = None

    @classmethod
    def of(cls, run: Recorded) -> Candidate:
        plain = run.to_plain()
        return cls(run, plain, list(plain["damage"]))

    @property
    def config(self) -> dict[str, Any]:
        """By key path; empty where it can not be read."""
        if self._config is None:
            try:
                self._config = flat(config_of(self.run))
            except NNTrainError as error:
                self._config = {}
                self.damage.append(str(error).partition("\n")[0])
        return self._config

    def has(self, key: str) -> bool:
        return key in FACTS or key in self.plain["metrics"] or key in self.config

    def get(self, key: str) -> Any:
        if key in FACTS:
            return self.plain[key]
        metrics = self.plain["metrics"]
        found = metrics[key] if key in metrics else self.config.get(key)
        odd = isinstance(found, float) and not math.isfinite(found)
        return str(found) if odd else found  # inf is not JSON


@dataclass(frozen=True)
class Condition:
    """`key sign value`, as in `optimizer.type=adam` and `validation_loss<0.1`."""

    key: str
    sign: str
    value: Any

    def holds(self, run: Candidate) -> bool:
        found = run.get(self.key)
        if self.sign in ("=", "!="):
            return _same(found, self.value) == (self.sign == "=")
        if not _comparable(found, self.value):
            return False
        return ORDERS[self.sign](found, self.value)


@dataclass(frozen=True)
class Choice:
    """The runs that were meant, in order, and the keys that they were asked by."""

    runs: list[Candidate]
    keys: list[str]

    def values(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """What each of the runs has there."""
        return [{key: run.get(key) for key in keys} for run in self.runs]


def choose(runs: Sequence[Candidate], where: Iterable[str], sort: str, *, reverse: bool) -> Choice:
    """The runs for which all of `where` holds, by the key `sort`, or `-key` to begin at the top."""
    asked, key = [_condition(text, runs) for text in where], sort.removeprefix("-")
    meant = [run for run in runs if all(each.holds(run) for each in asked)]
    if key:
        check_key("--sort", key, runs)
        meant = _ordered(meant, key, falling=sort.startswith("-") != reverse)
    elif reverse:
        meant.reverse()
    keys = dict.fromkeys([*(each.key for each in asked), *([key] if key else [])])
    return Choice(meant, list(keys))


def check_key(flag: str, key: str, runs: Sequence[Candidate]) -> None:
    """`ConfigError` where no run has such a key, with the keys that look like it."""
    scores = {name for run in runs for name in run.plain["metrics"]}
    if not runs or key in FACTS or key in scores or any(run.has(key) for run in runs):
        return
    known = sorted(scores) + list(FACTS) + sorted({name for run in runs for name in run.config})
    near = [name for name in known if re.search(rf"[._]{re.escape(key)}$", name)]
    near = near or nearest(key, known)
    hint = f"did you mean {listed(near)}?" if near else f"such as {listed(known, 5)}"
    raise ConfigError(f"{flag}: no run has {quoted(key)}", hint=hint)


def _ordered(runs: Sequence[Candidate], key: str, *, falling: bool) -> list[Candidate]:
    """By the value of a key; those without one are last, whichever way."""

    def order(run: Candidate) -> tuple[bool, Any]:
        value = run.get(key)
        return (False, value) if _is_number(value) else (True, str(value))

    with_value = [run for run in runs if run.get(key) is not None]
    without = [run for run in runs if run.get(key) is None]
    return [*sorted(with_value, key=order, reverse=falling), *without]


def _condition(text: str, runs: Sequence[Candidate]) -> Condition:
    signs = [found for found in SIGN.finditer(text) if found.start()]
    if not signs:
        raise ConfigError(
            f"--where: expected KEY=VALUE, got {quoted(text)}",
            hint="such as optimizer.type=adam, status!=completed or 'validation_loss<0.1'",
        )
    # the name of a class, and so that of a score, may hold a sign
    meant = (one for one in signs if any(run.has(text[: one.start()].strip()) for run in runs))
    sign = next(meant, signs[0])
    key = text[: sign.start()].strip()
    check_key("--where", key, runs)
    value = scalar(text[sign.end() :].strip())
    numbers = [run for run in runs if _is_number(run.get(key))]
    if sign[1] in ORDERS and numbers and not _is_number(value):
        raise ConfigError(f"--where: {key}{sign[1]} expects a number, got {quoted(str(value))}")
    return Condition(key, sign[1], value)


def _same(found: Any, value: Any) -> bool:
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return bool(found == value)


def _comparable(found: Any, value: Any) -> bool:
    return (_is_number(found) and _is_number(value)) or (
        isinstance(found, str) and isinstance(value, str)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
