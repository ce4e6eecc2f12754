"""What judges values follows from annotations alone; kinds may hold others of their family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import pytest
from pydantic_core import ValidationError

from nntrain.config.experiment import Experiment
from nntrain.config.grammar import describe, unfold
from nntrain.config.schema import validator
from nntrain.config.tree import Place, from_plain, plain
from nntrain.families import Family, Layer, PositiveInt, Rate, Spec
from nntrain.limits import Ge, Gt, Le, Len, Lt


class Shape(Family):
    """A family that only these tests have."""


@dataclass(frozen=True)
class Dot(Shape):
    pass


@dataclass(frozen=True)
class Group(Shape):
    shapes: tuple[Shape, ...]
    size: PositiveInt | tuple[PositiveInt, PositiveInt] = 1


@dataclass(frozen=True)
class MultipleOf:
    """A limit that the config does not know."""

    divisor: int


@dataclass(frozen=True)
class Drawing(Spec):
    shape: Shape
    odd: Annotated[int, MultipleOf(3)] = 3


def judge(value: Any) -> Any:
    node = unfold(from_plain({"shape": value}, Place()), Drawing)
    return validator(Drawing, "shape").validate_python(plain(node)["shape"])


def test_kinds_in_kinds() -> None:
    inner = {"type": "group", "shapes": ["dot"], "size": [2, 3]}
    made = judge({"type": "group", "shapes": ["dot", inner]})
    assert made == Group((Dot(), Group((Dot(),), (2, 3))))


@pytest.mark.parametrize(
    "value",
    [
        3,
        "dots",
        {"shapes": []},
        {"type": "group"},
        {"type": "group", "shapes": [], "size": [1]},
        {"type": "group", "shapes": [], "size": "3"},
        {"type": "group", "shapes": [{"type": "group", "shapes": ["dots"]}]},
        {"type": "dot", "shapes": []},
    ],
)
def test_mistakes(value: Any) -> None:
    with pytest.raises(ValidationError):
        judge(value)


def test_a_limit_that_nothing_checks_is_a_defect() -> None:
    with pytest.raises(TypeError, match="MultipleOf"):
        validator(Drawing, "odd")


def test_only_kinds_that_a_value_can_name_are_prepared() -> None:
    group = {"type": "group", "shapes": ({"type": "dot"},)}
    assert validator(Drawing, "shape", frozenset({"group", "dot"})).validate_python(group)
    with pytest.raises(ValidationError):
        validator(Drawing, "shape", frozenset({"group"})).validate_python(group)
    with pytest.raises(ValidationError):  # it names none, and is refused as with all of them
        validator(Drawing, "shape", frozenset({"dots"})).validate_python({"type": "dots"})


@pytest.mark.parametrize("name", [field.name for field in fields(Experiment)])
def test_every_key_can_be_judged(name: str) -> None:
    assert validator(Experiment, name)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (PositiveInt, "a whole number above 0"),
        (Annotated[int, Ge(0)], "a whole number of 0 or more"),
        (Annotated[int, Lt(5)], "a whole number below 5"),
        (Annotated[float, Le(1)], "a number of 1 or less"),
        (Rate, "a number in [0, 1)"),
        (Annotated[float, Gt(0), Le(1)], "a number in (0, 1]"),
        (bool, "true or false"),
        (str, "text"),
        (Annotated[str, Len(1, 1)], "one character"),
        (float | None, "a number or null"),
        (PositiveInt | Literal["auto"], "a whole number above 0 or `auto`"),
        (Literal["a", "b"], "one of `a`, `b`"),
        (Literal["a", "b"] | None, "one of `a`, `b`, or null"),
        (Layer, "a layer"),
        (tuple[Layer, ...], "a list of layers"),
        (tuple[Rate, Rate], "a list of 2 numbers in [0, 1)"),
        (Mapping[str, str], "a mapping from names to text"),
        (Group, "a mapping with the keys `shapes`, `size`"),
    ],
)
def test_types_in_words(annotation: Any, words: str) -> None:
    assert describe(annotation) == words
