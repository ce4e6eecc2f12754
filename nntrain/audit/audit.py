"""The audit of a data set: every finding, and what was not looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nntrain.audit.constants import blank, constants, nearly_constant, tiny_classes
from nntrain.audit.duplicates import conflicts, duplicates, pieces
from nntrain.audit.finding import Finding
from nntrain.audit.leaks import copies, ids
from nntrain.audit.material import Material
from nntrain.audit.noise import label_noise
from nntrain.audit.order import time_order
from nntrain.audit.shifts import shifts, told_apart
from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data
from nntrain.values import dataclass

Look = Callable[[Material], Iterator[Finding]]
ALL_ROWS: tuple[Look, ...] = (duplicates, conflicts, tiny_classes)
TABLES: tuple[Look, ...] = (
    copies, ids, constants, nearly_constant, label_noise, shifts, told_apart, time_order,
)  # fmt: skip
ARRAYS: tuple[Look, ...] = (blank, label_noise)


@dataclass(frozen=True)
class Audit:
    """findings: the serious ones first.  limits: sentences about what was not looked at."""

    findings: tuple[Finding, ...]
    limits: tuple[str, ...]

    @property
    def serious(self) -> int:
        return sum(finding.serious for finding in self.findings)

    def to_plain(self) -> dict[str, Any]:
        return {
            "serious": self.serious,
            "findings": [finding.to_plain() for finding in self.findings],
            "limits": list(self.limits),
        }


@np.errstate(all="ignore")
def audit(dataset: Dataset, settings: Data) -> Audit:
    """Look for everything that can be looked for in such data."""
    material, known = Material.of(dataset, settings), dataset.preprocessor
    some, limits = material.thinned(), []
    if known.tokens:
        found = list(pieces(material))
        limits.append("of a text only stretches that come twice were looked for")
    elif known.window:
        found = [*duplicates(material), *tiny_classes(material), *constants(material)]
        limits.append(
            "of windows only windows that come twice, tiny classes and constants were looked for: "
            "not copies of the target, ids, wrong labels, shifts"
        )
    else:
        looks = TABLES if material.columns else ARRAYS if known.vocabulary is None else ()
        found = [finding for look in ALL_ROWS for finding in look(material)]
        found += [finding for look in looks for finding in look(some)]
        if not material.columns:
            limits.append(
                "of images and series only rows that come twice, blank ones, tiny classes and "
                "labels were looked at: not copies of the target, nearly equal rows, shifts"
            )
    if not material.can_be_modelled and not known.tokens and not known.window:
        limits.append(
            f"{material.x.shape[1]:,} inputs are too many for the linear models that look for "
            "wrong labels and for parts that differ"
        )
    if some.left_out:
        limits.append(f"statistics are of {len(some):,} of {len(material):,} rows")
    if not dataset.preprocessor.targets:
        limits.append("there is no target to look at")
    if not material.held_out:
        limits.append("there are no rows for validation or test to compare with")
    ordered = sorted(found, key=lambda finding: not finding.serious)
    return Audit(tuple(ordered), tuple(limits))
