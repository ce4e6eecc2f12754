"""Ranks: a numeric column brought to a normal distribution by its place among training rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

import numpy as np

from nntrain.data.cells import read_numbers
from nntrain.data.features import filled, filling, of_missing, with_flag
from nntrain.data.report import Report
from nntrain.data.settings import Numeric
from nntrain.data.table import Table
from nntrain.data.transforms import transformed
from nntrain.families import Array
from nntrain.values import dataclass

MOST = 1001  # quantiles that are kept: each thousandth


@dataclass(frozen=True)
class Ranked:
    """A numeric column: x = Φ⁻¹(p), p the share of training rows below v, interpolated.

    Rows with equal values stand in the middle of their ranks; scikit-learn's
    `QuantileTransformer` finds it up to a rank, since it rounds.  With n quantiles p stays within
    1 / (2 n) and 1 - 1 / (2 n), so that x ends at ±3.3 at most; there it goes to ±5.2,
    and with it all rows that have the lowest or the highest value.

    quantiles: of the training rows, from the lowest to the highest in equal steps of p.
    fill, transform, flag: as in `Scaled`.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    fill: float
    quantiles: tuple[float, ...]
    transform: str = "none"
    flag: bool = False

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: Numeric) -> Ranked:
        values = read_numbers(table, name, na_values)
        gone = np.isnan(values)
        fill = filling(values, gone, how)
        bent = transformed(np.where(gone, fill, values), how.transform, name, table)
        flag = how.missing_flag and bool(gone.any())
        return cls(name, fill, tuple(quantiles(bent).tolist()), how.transform, flag)

    @property
    def inputs(self) -> tuple[str, ...]:
        return with_flag(self.name, self.flag)

    @property
    def note(self) -> str:
        return f"normal by {len(self.quantiles):,} quantiles, {of_missing(self.fill, self.flag)}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the input, and the flag, out (C, N) float32."""
        values, gone = filled(table, self.name, na_values, self.fill, report)
        if self.flag:
            out[1] = gone
        bent = transformed(values, self.transform, self.name, table)
        out[0] = normal_quantile(self._share_below(bent))

    def _share_below(self, values: Array) -> Array:
        """p of each value (N,): in the middle of a stretch where several quantiles are equal."""
        known = np.array(self.quantiles)
        shares = np.linspace(0.0, 1.0, len(known))
        from_below = np.interp(values, known, shares)
        from_above = np.interp(-values, -known[::-1], -shares[::-1])
        edge = 0.5 / len(known)
        return np.clip(0.5 * (from_below - from_above), edge, 1.0 - edge)


def quantiles(values: Array) -> Array:
    """The values (N,) in order, or, of many, `MOST` in equal steps of their ranks.

    Ranks are whole numbers here, so that what lies between two equal values is the same to the bit.
    """
    ordered, count = np.sort(values), min(len(values), MOST)
    if count == len(ordered):
        return ordered
    ranks, rest = np.divmod(np.arange(count) * (len(ordered) - 1), count - 1)
    above = ordered[np.minimum(ranks + 1, len(ordered) - 1)]
    between = ordered[ranks] + (above - ordered[ranks]) * (rest / (count - 1))
    found: Array = np.minimum(between, above)  # rounding must not leave them unordered
    return found


# the rational functions of Wichura 1988, AS 241 (PPND16): highest power first
MIDDLE = (
    (
        2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
        13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
    ),
    (
        5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
        5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0,
    ),
)  # fmt: skip
TAIL = (
    (
        7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
        1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
        4.6303378461565452959, 1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
        0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
        2.05319162663775882187, 1.0,
    ),
)  # fmt: skip


def normal_quantile(p: Array) -> Array:
    """Φ⁻¹(p) for p (N,) from 1e-10 to 1 - 1e-10, to 16 digits."""
    q = p - 0.5
    tail = np.abs(q) > 0.425
    r = 0.180625 - q * q
    z: Array = q * _ratio(r, MIDDLE)
    below = np.minimum(p[tail], 1.0 - p[tail])
    z[tail] = np.copysign(_ratio(np.sqrt(-np.log(below)) - 1.6, TAIL), q[tail])
    return z


def _ratio(r: Array, of: Sequence[Sequence[float]]) -> Array:
    over, under = (np.polyval(np.array(powers), r) for powers in of)
    ratio: Array = over / under
    return ratio
