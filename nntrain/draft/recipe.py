"""Recipe: how a network is built and trained; and the lines that all recipes share."""

from __future__ import annotations

from collections.abc import Sequence

from nntrain.draft.answer import Answer
from nntrain.draft.page import Line, scalar
from nntrain.values import dataclass
from nntrain.wording import plural, quoted

LOSSES = {
    "classes": "cross_entropy",
    "binary": "binary_cross_entropy",
    "numbers": "mean_squared_error",
}
KEPT = 0.15  # of the rows for validation, and as many for the test
OUTPUT = Line("- {type: dense, units: auto}", "as many outputs as the target needs")


@dataclass(frozen=True)
class Recipe:
    """What depends on the kind of data.

    data: lines of the section `data`, below path, target and columns.
    layers: the layers of the network, one a line.
    epochs, batch: the course of the training, each with the reason; `rate`, `decay`: the
        optimizer's; `clip`: the longest gradient.
    average: the share of averaged weights that is kept at a step; 0: no averaging.
    patience: epochs without a better validation score until it stops; 0: never.
    label_smoothing: how much of the truth is spread over all classes.
    preprocessing: lines of the section of this name.
    """

    data: Sequence[Line]
    layers: Sequence[Line]
    epochs: tuple[int, str]
    batch: tuple[int, str]
    rate: float
    decay: tuple[float, str]
    average: float = 0.0
    patience: int = 0
    clip: float = 1.0
    label_smoothing: float = 0.0
    preprocessing: Sequence[Line] = ()


def sections(recipe: Recipe, goal: Sequence[Line], scores: Line, expect: Line) -> list[Line]:
    """All sections below `data`; `goal` is the loss."""
    (epochs, why_epochs), (batch, why_batch) = recipe.epochs, recipe.batch
    decay, why_decay = recipe.decay
    lines = [
        Line("model:", "the network, from the inputs to the outputs"),
        Line("  layers:", "each takes what the one before it gives"),
        *(line.indented(4) for line in recipe.layers),
        *goal,
        scores,
        Line("optimizer:", "how the weights follow the gradient"),
        Line("  type: adam", "finds the length of the steps of each weight"),
        Line(f"  learning_rate: {recipe.rate:g}", "the longest step of a weight, about"),
        Line(f"  weight_decay: {decay:g}", why_decay),
        Line(
            "lr_schedule: {type: cosine, warmup_epochs: 1}",
            "the rate rises for an epoch, then sinks to 0: a calm end",
        ),
    ]
    if recipe.average:
        lines.append(
            Line(
                f"averaging: {{type: ema, decay: {recipe.average:g}}}",
                f"the weights are the mean of about the last {1 / (1 - recipe.average):.0f} steps",
            )
        )
    lines += [
        Line("trainer:", "how long, and how many rows at a time"),
        Line(f"  max_epochs: {epochs}", why_epochs),
        Line(f"  batch_size: {batch}", why_batch),
        Line(
            f"  gradient_clip_norm: {recipe.clip:g}", "no odd batch can throw the weights far away"
        ),
    ]
    if recipe.patience:
        lines += [
            Line("early_stopping:", "an end before that, where nothing is gained"),
            Line(
                "  monitor: validation_loss",
                "on rows that do not train; its best epoch is the model",
            ),
            Line(f"  patience: {recipe.patience}", "epochs without a better one"),
        ]
    return [*lines, expect]


def loss(answers: Sequence[Answer], label_smoothing: float = 0.0) -> list[Line]:
    """The loss, which follows from the targets."""
    if has_heads(answers):
        return [
            Line("loss:", "each target has a loss of its own; they are added"),
            Line("  type: heads", "one network, an answer for each target"),
            Line("  losses:", "by the kind of each target"),
            *(
                Line(f"    {scalar(one.name)}: {LOSSES[one.task]}", _task(one.task))
                for one in answers
            ),
        ]
    task = answers[0].task
    if len(answers) == 1 and answers[0].is_uneven:
        name, share = answers[0].rarest
        return [
            Line("loss:", _task(task)),
            Line(f"  type: {LOSSES[task]}", "compared with the probability of the true class"),
            Line(
                "  class_weight: balanced",
                f"{quoted(name)} has {share:.1%} of the rows: each class counts as much as the "
                "others, and probabilities are those of classes of equal size",
            ),
        ]
    if task == "classes" and label_smoothing:
        why = f"{_task(task)}; certainty is not rewarded beyond {1 - label_smoothing:g}"
        return [Line(f"loss: {{type: cross_entropy, label_smoothing: {label_smoothing:g}}}", why)]
    return [Line(f"loss: {LOSSES[task]}", _task(task))]


def has_heads(answers: Sequence[Answer]) -> bool:
    """Whether the targets need losses of their own."""
    tasks = {answer.task for answer in answers}
    return len(answers) > 1 and tasks not in ({"numbers"}, {"binary"})


def _task(task: str) -> str:
    if task == "binary":
        return "two classes: one output, the probability of the second"
    if task == "classes":
        return "one of several classes: a probability for each"
    return "a number: large errors count more than small ones"


def metrics(answers: Sequence[Answer]) -> Line:
    """What is told of every epoch besides the loss."""
    names: list[str] = []
    why = []
    for answer in answers:
        if answer.task == "numbers":
            new, reason = ["r2", "rmse"], "share of the variance explained; error in its own unit"
        elif answer.task == "binary":
            new, reason = ["accuracy", "roc_auc"], "share that is right; and of the order of rows"
            if answer.is_uneven:
                new = ["roc_auc", "average_precision", "accuracy"]
                name, share = answer.majority
                reason = (
                    f"{share:.1%} of the rows are {quoted(name)}, so always saying that has a "
                    "good accuracy and an roc_auc of 0.5"
                )
        else:
            new, reason = ["accuracy"], "share of the rows that is right"
            if answer.is_uneven:
                new = ["accuracy", "f1_macro"]
                name, share = answer.rarest
                reason = f"f1_macro counts all classes alike, {quoted(name)} has {share:.1%}"
        names += [name for name in new if name not in names]
        why += [reason] if reason not in why else []
    return Line(f"metrics: [{', '.join(names)}]", "; ".join(why))


def expectation(answers: Sequence[Answer]) -> Line:
    """A gate to be switched on, no more than what guessing reaches."""
    answer = answers[0]
    own = f"{answer.name}_" if has_heads(answers) else ""
    if answer.task == "numbers":
        score, bound, why = "r2", 0.0, "0 is what the mean reaches"
    elif answer.is_uneven and answer.task == "binary":
        score, bound, why = "roc_auc", 0.5, "0.5 is what chance reaches"
    else:
        name, share = answer.majority
        score, bound = "accuracy", round(share, 2)
        why = f"{share:.2f} is what always saying {quoted(name)} reaches"
    return gated(f'{scalar(f"test_{own}{score}")}: ">= {bound:g}"', why)


def gated(gate: str, why: str) -> Line:
    """A line that expects something, as a comment that can become one."""
    return Line(f"# expect: {{{gate}}}", f"without the first #, fit exits 5 where it fails; {why}")


def training_rows(rows: int) -> int:
    """About how many of the rows train."""
    return max(1, round(rows * (1 - 2 * KEPT)))


def course(rows: int, batch: int, steps: int, least: int, most: int) -> tuple[int, str]:
    """Epochs for about so many steps, and the reason."""
    each = max(1, round(training_rows(rows) / batch))
    epochs = max(least, min(most, round(steps / each)))
    return epochs, f"{plural(each, 'step')} an epoch, so up to {epochs * each:,} in all"
