"""Curves: losses, scores and learning rate, epoch by epoch."""

from __future__ import annotations

from nntrain.report.markup import Html, section, tag
from nntrain.report.svg import Line, chart
from nntrain.report.told import Told

LOSSES = (
    ("train_loss", "while training", "s0 thin"),
    ("train_loss_evaluated", "train", "s0"),
    ("validation_loss", "validation", "s1"),
)
MOST_CHARTS = 24


def curves(told: Told) -> Html | None:
    """One drawing for the losses, one for each score of validation rows, one for the rate."""
    known = told.curves
    if not len(known.table):
        return None
    epochs = known.of("epoch")
    judged = told.best_epoch and "validation_loss" in known.names  # else the last is the best
    best = float(told.best_epoch) if judged else None
    losses = [Line(word, epochs, known.of(n), s) for n, word, s in LOSSES if n in known.names]
    charts = [chart("loss", losses, log=True, best=best)] if losses else []
    scores = [n for n in known.names if n.startswith("validation_") and n != "validation_loss"]
    for name in scores[:MOST_CHARTS]:
        word = name.removeprefix("validation_")
        charts.append(chart(word, [Line("validation", epochs, known.of(name), "s1")], best=best))
    if "learning_rate" in known.names:
        rate = Line("", epochs, known.of("learning_rate"), "s2")
        charts.append(chart("learning rate", [rate], best=best))
    about = (
        "Over epochs.  The loss “while training” is the mean over an epoch's steps, with dropout "
        "and while the weights moved; “train” is measured at its end, as validation is."
    )
    return section("Training", tag("div", *charts, class_="grid"), about=about, wide=True)
