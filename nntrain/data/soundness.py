"""What must be true of a stored preprocessor besides its types."""

from __future__ import annotations

from operator import le
from typing import TYPE_CHECKING

from nntrain.data import plain, seen
from nntrain.data.arrays import ArrayFeature
from nntrain.data.categories import Categories, Embedded, Hashed, Ordinal
from nntrain.data.dates import CIRCLES, LINES, Dates
from nntrain.data.features import Scaled
from nntrain.data.ranks import MOST, Ranked
from nntrain.data.settings import WIDEST
from nntrain.data.several import Several, Target
from nntrain.data.targets import Amounts, Classes
from nntrain.data.texts import Texts
from nntrain.data.tokens import Tokens
from nntrain.data.transforms import TRANSFORMS
from nntrain.families import Task

if TYPE_CHECKING:
    from nntrain.data.kinds import Feature
    from nntrain.data.preprocessing import Preprocessor


def check(found: Preprocessor) -> None:
    """Refuse what no learning could have given."""
    names = [feature.name for feature in found.feature_columns]
    if not names or len(set(names)) < len(names):
        raise plain.damaged("features: none, or one twice")
    arrays = [f for f in found.feature_columns if isinstance(f, ArrayFeature | Texts)]
    if arrays and (len(names) > 1 or found.window):
        raise plain.damaged("features: an array and others")
    for array in arrays:
        if isinstance(array, Texts):
            continue
        channels = {len(array.shifts), len(array.scales), array.shape[-1] if array.shape else 0}
        if len(channels) > 1 or min(*array.shape, *array.scales) <= 0:
            raise plain.damaged(f"{array.name}: shape or scales")
    if any(
        getattr(feature, "transform", "none") not in TRANSFORMS for feature in found.feature_columns
    ):
        raise plain.damaged("features: transform")
    for feature in found.feature_columns:
        if isinstance(feature, Scaled | Ordinal) and not feature.scale > 0:
            raise plain.damaged(f"{feature.name}: scale {feature.scale}")
        if isinstance(feature, Categories) and feature.fill not in (None, *feature.categories):
            raise plain.damaged(f"{feature.name}: fill {feature.fill!r:.60}")
        if why := _odd(feature):
            raise plain.damaged(f"{feature.name}: {why}")
    seen.check(found.seen, names)
    if found.task not in _tasks(found.target_columns):
        raise plain.damaged(f"task {found.task!r:.60}")
    for target in found.each_target:
        if isinstance(target, Tokens) and (found.feature_columns != (target,) or not found.window):
            raise plain.damaged("target: tokens")
        _check_target(target)
    if len(set(found.targets)) < len(found.targets):
        raise plain.damaged("target: one twice")
    if found.weight_column in (*names, *found.targets, *found.id_columns):
        raise plain.damaged(f"weight: {found.weight_column!r:.60} is something else")


def _odd(feature: Feature) -> str:
    """What is wrong with a feature of one of the newer kinds; empty where nothing is."""
    match feature:
        case Ranked(quantiles=q):
            ordered = 0 < len(q) <= MOST and all(map(le, q, q[1:]))
            return "" if ordered else "quantiles"
        case Embedded(dimensions=width):
            return "" if 0 < width <= WIDEST else f"dimensions {width}"
        case Hashed(buckets=count):
            return "" if 0 < count <= WIDEST else f"buckets {count}"
        case Dates(parts=parts):
            sizes = {len(parts), len(feature.shifts), len(feature.scales)}
            known = parts and len(set(parts)) == len(parts) and {*parts} <= {*CIRCLES, *LINES}
            sound = known and len(sizes) == 1 and min(feature.scales) > 0
            return "" if sound else "parts"
        case Texts(vocabulary=tokens):
            sound = len(set(tokens)) == len(tokens) > 0 < feature.longest
            return "" if sound and feature.unit in ("words", "characters") else "vocabulary"
    return ""


def _check_target(target: Classes | Amounts | Tokens) -> None:
    if isinstance(target, Amounts):
        sizes = {len(target.names), len(target.shifts), len(target.scales)}
        sound = target.transform in TRANSFORMS and all(scale > 0 for scale in target.scales)
        if len(sizes) > 1 or not sound:
            raise plain.damaged("target: scales")
    elif isinstance(target, Tokens):
        if len(set(target.vocabulary)) < len(target.vocabulary) or not target.vocabulary:
            raise plain.damaged("target: vocabulary")
    elif len(set(target.classes)) != len(target.classes) or len(target.classes) < 2:
        raise plain.damaged("target: classes")
    elif target.counts and len(target.counts) != len(target.classes):
        raise plain.damaged("target: counts")


def _tasks(target: Target) -> tuple[Task, ...]:
    """The tasks that such a target can belong to."""
    if isinstance(target, Amounts):
        return ("numbers",)
    if isinstance(target, Several):
        labels = all(isinstance(part, Classes) and part.binary for part in target.parts)
        return ("binary", "heads") if labels else ("heads",)
    return ("binary",) if isinstance(target, Classes) and target.binary else ("classes",)
