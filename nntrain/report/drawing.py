"""Drawing: the network as boxes: what each is, the shape that leaves it, its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nntrain.display import text
from nntrain.families import Layer, Shape
from nntrain.layers import Graph, Residual
from nntrain.report.boxes import GAP, Block, arrow, box, frame, moved, stacked, wire
from nntrain.report.letters import words_at
from nntrain.report.markup import Html, joined, tag
from nntrain.report.meeting import graph
from nntrain.report.svg import WIDTH, figure
from nntrain.store import LayerRow

NARROWEST = 110  # below it, what is inside of a layer is not drawn
MOST_BOXES = 60
LAST = 5  # boxes that are drawn at the end where there are more
SIDE = 26  # beside what is inside of a layer, for the way past it


def network(layers: Sequence[Layer], rows: Sequence[LayerRow], inputs: Shape) -> Html:
    """layers: as the config has them; rows: what is known of each by its path."""
    painter = Painter({row.path: row for row in rows})
    first = [box("input", text.shape(inputs), "", WIDTH)]
    if "columns" in painter.rows:
        first.append(painter.leaf("columns", WIDTH))
    whole = stacked([*first, *painter.chain(layers, "layers", WIDTH)], WIDTH)
    title = joined(
        [tag("b", "drawing"), tag("span", ", with shapes and parameters", class_="soft")]
    )
    return figure(title, whole.height + 2, whole.drawn)


class Painter:
    """Draws the layers whose rows it knows."""

    def __init__(self, rows: Mapping[str, LayerRow]):
        self.rows = rows

    def chain(self, layers: Sequence[Layer], path: str, width: float) -> list[Block]:
        """Layers one after the other; of very many the first and the last."""
        numbers = [*range(len(layers))]
        if len(layers) <= MOST_BOXES:
            return [self.layer(layers[n], f"{path}.{n}", width) for n in numbers]
        ends = [
            [self.layer(layers[n], f"{path}.{n}", width) for n in some]
            for some in (numbers[: MOST_BOXES - LAST], numbers[-LAST:])
        ]
        return [*ends[0], box(f"… {len(layers) - MOST_BOXES:,} more", "", "", width), *ends[1]]

    def layer(self, layer: Layer, path: str, width: float) -> Block:
        if isinstance(layer, Residual) and width >= NARROWEST:
            return self.residual(layer, path, width)
        if isinstance(layer, Graph) and width >= NARROWEST:
            return graph(layer, path, width, self.chain, self.shape)
        return self.leaf(path, width)

    def leaf(self, path: str, width: float) -> Block:
        row = self.rows.get(path)
        if row is None:
            return box("unknown", "", "", width)
        ends = _ending(row)
        return box(f"{row.kind}{ends}", self.shape(path), _count(row), width)

    def shape(self, path: str) -> str:
        row = self.rows.get(path)
        return text.shape(row.shape) if row else ""

    def residual(self, layer: Residual, path: str, width: float) -> Block:
        """The layers, and beside them the way past; both meet in a sum."""
        inside, top = f"{path}.blocks.0" if layer.repeat > 1 else path, 28.0
        inner = stacked(
            self.chain(layer.layers, f"{inside}.layers", width - 2 * SIDE), width - 2 * SIDE
        )
        middle, past, row = width / 2, width - SIDE / 2, self.rows.get(path)
        meet = top + inner.height + GAP + 8
        height = meet + 18
        times = f" × {layer.repeat}" if layer.repeat > 1 else ""
        parts = [
            frame(width, height),
            words_at(10, 16, f"residual{times}{_ending(row)}"),
            words_at(width - 10, 16, _count(row), "end"),
            wire(f"M{middle:.1f} 0V{top:.1f}"),
            moved(inner.drawn, SIDE, top),
            arrow(middle, top + inner.height, meet - 8),
            wire(f"M{middle:.1f} 21H{past:.1f}V{meet:.1f}H{middle + 8:.1f}"),
            tag("circle", cx=f"{middle:.1f}", cy=f"{meet:.1f}", r=8, class_="box plain"),
            words_at(middle, meet + 4.5, "+", "middle"),
            wire(f"M{middle:.1f} {meet + 8:.1f}V{height:.1f}"),
        ]
        return Block(height, joined(parts))


def _ending(row: LayerRow | None) -> str:
    known = row is not None and row.activation not in ("", "identity", row.kind)
    return f", {row.activation}" if row and known else ""


def _count(row: LayerRow | None) -> str:
    return text.count(row.parameters) if row and row.parameters else ""
