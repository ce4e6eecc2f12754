"""Call: what one forward pass needs to know besides its input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nntrain.arrays import Array
from nntrain.team import ALONE, Team

Watch = Callable[[str, Array, Array | None], None]
"""`watch(path, y, None)` after a layer's forward, `watch(path, y, dy)` before its backward."""


@dataclass(slots=True)
class Call:
    """One forward pass.

    training: dropout drops, running statistics move.
    step: the training step, counted from 0; with `row` and `number` it places the random words.
    row: the place of this call's first row in the whole batch of the step.
    number: which of several forward passes in the same step this is.
    watch: called with every layer's output and its gradient; only chains call it.
    lengths: (N,) how many steps of axis 1 each row really has, the rest being padding; None where
        all rows are whole.  What a layer gets belongs to its own input, see `Layer.lengths`.
    team: the processes that share these rows' batch; what a layer takes of a whole batch, it sums
        over them.
    state: what recurrent layers ended with, by path; they begin with what is there.  None: they
        begin with zeros and leave nothing.
    forward_only: nobody will go back, so chains and graphs let go of what their layers keep for it.
    """

    training: bool = False
    step: int = 0
    row: int = 0
    number: int = 0
    watch: Watch | None = None
    lengths: Array | None = None
    state: dict[str, Array] | None = None
    team: Team = ALONE
    forward_only: bool = False


INFERENCE = Call()
