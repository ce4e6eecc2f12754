"""What mixes rows needs a loss that learns mixtures."""

from __future__ import annotations

from nntrain.config.rules.finding import Finding, Findings
from nntrain.data.settings import Data
from nntrain.families import Loss


def mixed_targets_are_learned(data: Data, loss: Loss) -> Findings:
    odd = [part for part in loss.parts() if part.task != "numbers" and not part.takes_shares]
    if loss.task == "heads":
        odd = [loss]
    for i, augmentation in enumerate(data.augmentation):
        if augmentation.mixes and odd:
            message = f"`{augmentation.kind}` mixes targets, and `{odd[0].kind}` learns none"
            hint = "`cross_entropy`, `binary_cross_entropy` and losses of numbers do"
            yield Finding(("data", "augmentation", i), message, hint)
