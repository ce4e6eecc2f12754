"""Flow: how gradients came back through the layers, and what the steps did, epoch by epoch."""

from __future__ import annotations

import math

import numpy as np

from nntrain.report.markup import Html, section, tag
from nntrain.report.svg import heat_map
from nntrain.report.told import Told

MOST_LAYERS = 60
MAPS = (
    ("gradient_norm", "gradient", None),
    ("update_ratio", "step / weights", None),
    ("dead_share", "dead units", (0.0, 1.0)),
)


def flow(told: Told) -> Html | None:
    """A heat map for each thing that is looked at, a row a layer."""
    looks = [look for look in told.looks if look.epoch <= max(1, told.run.epochs)]
    epochs = sorted({look.epoch for look in looks})
    layers = list(dict.fromkeys(look.layer for look in looks))
    if not epochs:
        return None
    places = {epoch: number for number, epoch in enumerate(epochs)}
    maps = []
    for field, title, span in MAPS:
        values = np.full((len(layers), len(epochs)), math.nan)
        for look in looks:
            value = getattr(look, field)
            if value is not None:
                values[layers.index(look.layer), places[look.epoch]] = value
        there = np.flatnonzero(~np.isnan(values).all(axis=1))[:MOST_LAYERS]
        if len(there):
            names = [layers[row] for row in there]
            maps.append(heat_map(title, names, epochs, values[there], span))
    about = (
        "A row a layer, the first at the top; a column an epoch that was looked at; the stronger "
        "the colour, the larger; at the end the last value.  Gradients of the weights that fade "
        "towards the top vanish; a step is the last one of the epoch, as a share of the weights; "
        "dead units are 0 for every row."
    )
    return section("Inside the layers", tag("div", *maps, class_="grid"), about=about, wide=True)
