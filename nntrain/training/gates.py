"""Gates: what a score must reach for a build to pass."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping

OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def failures(expect: Mapping[str, str], scores: Mapping[str, float]) -> list[str]:
    """One sentence for each gate that is not met; NaN and a missing score never meet one."""
    found = []
    for name, condition in expect.items():
        sign, limit = split_condition(condition)
        score = scores.get(name)
        if score is None:
            found.append(f"{name} was not measured, expected {sign} {limit:g}")
        elif not OPERATORS[sign](score, limit):
            found.append(f"{name} is {score:.6g}, expected {sign} {limit:g}")
    return found


def split_condition(text: str) -> tuple[str, float]:
    """`">= 0.95"` as its operator and its number; ValueError if it is neither."""
    match = re.fullmatch(r"\s*(>=|<=|>|<)\s*(\S+)\s*", text)
    if not match:
        raise ValueError(text)
    return match[1], float(match[2])
