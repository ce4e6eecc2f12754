"""Structure: the network, layer by layer."""

from __future__ import annotations

from nntrain.display import text
from nntrain.display.plain import outer_first, parameters
from nntrain.report import drawing
from nntrain.report.markup import Html, joined, section, table, tag
from nntrain.report.svg import bar
from nntrain.report.told import Told
from nntrain.store import LayerRow

MOST_LAYERS = 200


def network(told: Told) -> Html | None:
    """Kind, shape and parameters of each layer; layers inside of others are moved in."""
    if not told.layers:
        return None
    total = parameters(told.layers)
    ordered = outer_first(told.layers)
    rows: list[list[object]] = [["input", "", unbroken(text.shape(told.inputs)), "", ""]]
    rows += [_row(layer, total) for layer in ordered[:MOST_LAYERS]]
    if len(ordered) > MOST_LAYERS:
        rows.append([f"… and {len(ordered) - MOST_LAYERS} more", "", "", "", ""])
    rows.append([tag("b", "total"), "", "", tag("b", text.count(total)), ""])
    head = ("layer", "kind", "output", "parameters", "")
    whole = table(head, rows, "lllrl")
    if not told.experiment:
        return section("Network", whole)
    drawn = drawing.network(told.experiment.model.layers, told.layers, told.inputs)
    return section("Network", tag("div", drawn, whole, class_="halves"), wide=True)


def unbroken(words: str) -> str:
    """Words that stay on one line."""
    return words.replace(" ", "\u00a0")


def _row(layer: LayerRow, total: int) -> list[object]:
    depth = layer.path.count(".layers.")
    kind = (
        f"{layer.kind}, {layer.activation}"
        if layer.activation not in ("", "identity", layer.kind)
        else layer.kind
    )
    name = joined([tag("span", "· " * depth, class_="in") if depth else None, layer.path])
    share = bar(layer.parameters / total) if total and layer.parameters else ""
    return [name, kind, unbroken(text.shape(layer.shape)), text.count(layer.parameters), share]
