"""What is learned from which targets: one loss, a sum of losses, or heads."""

from __future__ import annotations

from nntrain.config.hints import did_you_mean
from nntrain.config.rules.finding import TASKS, Finding, Findings
from nntrain.data.settings import Data
from nntrain.families import Loss
from nntrain.heads import Heads
from nntrain.losses import WeightedSum
from nntrain.wording import quoted


def target_for_the_loss(data: Data, loss: Loss) -> Findings:
    if not data.targets and data.target is None and loss.task != "numbers":
        message = f"`{loss.kind}` needs a target; without one the network learns its own input"
        hint = "add `data.target: COLUMN`, or use `mean_squared_error`"
        yield Finding(("loss",), message, hint)
    elif len(data.targets) > 1 and any(getattr(p, "class_weight", None) for p in loss.parts()):
        message = f"`class_weight` is for one target, got {len(data.targets)}"
        yield Finding(("data", "target"), message, "name one column, or leave `class_weight` out")
    elif len(data.targets) > 1 and loss.task == "classes":
        message = f"`{loss.kind}` learns one target, got {len(data.targets)}"
        losses = ", ".join(f"{name}: {loss.kind}" for name in data.targets)
        hint = (
            f"name one column, or give each a loss: `loss: {{type: heads, losses: {{{losses}}}}}`"
        )
        yield Finding(("data", "target"), message, hint)
    for part in loss.parts():
        if part.unscaled and not data.targets:
            message = f"`{part.kind}` learns {part.unscaled}, and needs a target"
            yield Finding(("loss",), message, "add `data.target`, or use `mean_squared_error`")
        elif part.unscaled and data.preprocessing.target.scale != "none":
            message = f"`{part.kind}` learns {part.unscaled}, which must not be scaled"
            yield Finding(("loss",), message, "add `data.preprocessing.target.scale: none`")
        if 0 < len(data.targets) < part.least_targets:
            message = f"`{part.kind}` compares several numbers of a row, got one target"
            yield Finding(("data", "target"), message, "name the columns as a list")


def text_is_of_classes(data: Data, loss: Loss) -> Findings:
    if data.text and loss.goal != "classes":
        message = f"a text is foretold token by token, which is no task for `{loss.kind}`"
        yield Finding(("loss",), message, "write `loss: cross_entropy`")


def heads_are_the_targets(data: Data, loss: Loss) -> Findings:
    """Every target has a head and every head a target, of which there are several."""
    if not isinstance(loss, Heads) or not data.targets:
        return
    if len(data.targets) == 1:
        message = "`heads` learns several targets, `data.target` names one"
        yield Finding(("loss",), message, "use the one loss itself, or name more targets")
        return
    for name in data.targets:
        if name not in loss.losses:
            message = f"the target {quoted(name)} has no loss"
            yield Finding(("loss", "losses"), message, f"add `{name}: …`; each target needs one")
    for key in ("losses", "weights"):
        for name in getattr(loss, key):
            if name not in data.targets:
                message = f"{quoted(name)} is no target"
                hint = did_you_mean(name, data.targets, "the targets are")
                yield Finding(("loss", key, name), message, hint, about_key=True)


def heads_have_no_heads(loss: Loss) -> Findings:
    for name, inner in loss.losses.items() if isinstance(loss, Heads) else ():
        if isinstance(inner, Heads):
            message = "a head learns one target, so it has no heads of its own"
            yield Finding(("loss", "losses", name), message, "write the loss of this one target")


def weighted_sum_is_one_loss(loss: Loss) -> Findings:
    if not isinstance(loss, WeightedSum):
        return
    if not loss.losses:
        yield Finding(("loss", "losses"), "expected at least one loss, got an empty list")
    if loss.weights is not None and len(loss.weights) != len(loss.losses):
        message = f"expected one weight for each loss, got {len(loss.weights)}"
        yield Finding(("loss", "weights"), message, f"the losses are {len(loss.losses)}")
    for i, part in enumerate(loss.losses):
        first = loss.losses[0]
        if isinstance(part, WeightedSum):
            message, hint = "a sum can not stand in a sum", "put all losses in one list"
            yield Finding(("loss", "losses", i), message, hint)
        elif isinstance(first, WeightedSum):
            continue
        elif part.task != first.task or part.applies != first.applies:
            message = f"`{part.kind}` does not learn what `{first.kind}` does"
            hint = f"`{first.kind}` learns {_learned(first)}, `{part.kind}` {_learned(part)}"
            yield Finding(("loss", "losses", i), message, hint)
    weighted = [i for i, part in enumerate(loss.losses) if getattr(part, "class_weight", None)]
    for i in weighted[1:]:
        message = "`class_weight` of one loss counts for the whole sum"
        yield Finding(("loss", "losses", i, "class_weight"), message, "leave it out here")


def _learned(loss: Loss) -> str:
    return f"{TASKS[loss.task]}, {f'shown by {loss.applies}' if loss.applies else 'as they are'}"
