"""Dataclasses without compiled methods: as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

import nntrain
from nntrain.values import dataclass

Decorator = Callable[..., Any]


def classes(dataclass: Decorator) -> tuple[Any, Any, Any]:
    @dataclass(frozen=True)
    class One:
        a: int
        b: list[int] = dataclasses.field(default_factory=list)
        c: int = 3
        known: ClassVar[int] = 7

    @dataclass(frozen=True)
    class Two(One):
        c: int = 4
        d: int = dataclasses.field(kw_only=True)
        e: float = dataclasses.field(default=0.5, compare=False, repr=False)

    @dataclass(frozen=True, kw_only=True)
    class Three:
        """Words."""

        x: int
        y: str = "y"

        def __post_init__(self) -> None:
            object.__setattr__(self, "y", self.y * 2)

        def __repr__(self) -> str:
            return "three"

    return One, Two, Three


OURS, THEIRS = classes(dataclass), classes(dataclasses.dataclass)


def outcome(function: Callable[[], Any]) -> Any:
    try:
        return re.sub(r"classes\.<locals>\.", "", repr(function()))
    except (TypeError, AttributeError) as error:
        return type(error)


@pytest.mark.parametrize(
    "use",
    [
        lambda one, two, three: one(1),
        lambda one, two, three: one(1, [2], c=5),
        lambda one, two, three: one(),
        lambda one, two, three: one(1, a=1),
        lambda one, two, three: one(1, [], 3, 4),
        lambda one, two, three: one(1, z=4),
        lambda one, two, three: two(1, d=2),
        lambda one, two, three: two(1),
        lambda one, two, three: two(1, [], 3, 4),
        lambda one, two, three: (two(1, d=2) == two(1, d=2, e=9.0), two(1, d=2) == one(1)),
        lambda one, two, three: one(1) == one(1),
        lambda one, two, three: one(1) != one(2),
        lambda one, two, three: three(x=1).y,
        lambda one, two, three: three(1),
        lambda one, two, three: (three(x=1), hash(three(x=1)) == hash(three(x=1))),
        lambda one, two, three: hash(one(1)),
        lambda one, two, three: hash(three(x=1)) == hash((1, "yy")),
        lambda one, two, three: setattr(one(1), "a", 2),
        lambda one, two, three: delattr(one(1), "a"),
        lambda one, two, three: dataclasses.replace(two(1, d=2), a=5),
        lambda one, two, three: [(f.name, f.type, f.kw_only) for f in dataclasses.fields(two)],
        lambda one, two, three: dataclasses.asdict(two(1, d=2)),
        lambda one, two, three: (one.__match_args__, two.__match_args__, three.__match_args__),
        lambda one, two, three: (hasattr(one, "b"), one.c, two.e, hasattr(two, "d"), one.known),
        lambda one, two, three: copy.deepcopy(two(1, d=2)),
        lambda one, two, three: vars(two(1, d=2)),
    ],
)
def test_it_does_what_the_library_does(use: Callable[..., Any]) -> None:
    assert outcome(lambda: use(*OURS)) == outcome(lambda: use(*THEIRS))


@pytest.mark.parametrize("base, derived", [(0, dataclasses.dataclass), (1, dataclass)])
def test_they_inherit_from_each_other(base: int, derived: Decorator) -> None:
    parent: Any = (OURS, THEIRS)[base][0]

    class Child(parent):  # type: ignore[misc]
        f: int = 9

    child: Any = derived(frozen=True)(Child)
    assert vars(child(1)) == {"a": 1, "b": [], "c": 3, "f": 9}
    with pytest.raises(dataclasses.FrozenInstanceError):
        child(1).f = 2


@dataclass(frozen=True)
class Alone:
    a: int


def test_they_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Alone(3))) == Alone(3)  # noqa: S301


def open_ones(dataclass: Decorator) -> Any:
    @dataclass
    class Open:
        a: int = 1
        b: list[int] = dataclasses.field(default_factory=list)

    return Open


@pytest.mark.parametrize(
    "use",
    [
        lambda one: one(),
        lambda one: setattr(one(), "a", 2),
        lambda one: (one(2) == one(2), one(2) == one(3), one().b is one().b),
        lambda one: hash(one()),
        lambda one: one(c=2),
        lambda one: dataclasses.asdict(dataclasses.replace(one(), a=5)),
        lambda one: one.__dataclass_params__.frozen,
        lambda one: dataclasses.dataclass(frozen=True)(type("Frozen", (one,), {})),
    ],
)
def test_so_do_those_that_are_not_frozen(use: Callable[..., Any]) -> None:
    ours, theirs = open_ones(dataclass), open_ones(dataclasses.dataclass)
    found = outcome(lambda: use(ours))
    assert str(found).replace("open_ones.<locals>.", "") == str(
        outcome(lambda: use(theirs))
    ).replace("open_ones.<locals>.", "")


def odd_ones(dataclass: Decorator) -> Any:
    """Annotations and defaults that take a closer look."""

    @dataclass(frozen=True)
    class Odd:
        a: dataclasses.InitVar[int]
        b: typing.ClassVar[int] = 3
        _: dataclasses.KW_ONLY
        c: int = dataclasses.field(default=2, init=True)

    return Odd


def test_what_is_unusual_is_read_by_the_library() -> None:
    ours, theirs = odd_ones(dataclass), odd_ones(dataclasses.dataclass)
    seen = [
        {name: (f.type, f.kw_only, f._field_type) for name, f in one.__dataclass_fields__.items()}
        for one in (ours, theirs)
    ]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("default", [[1], dataclasses.field(default=[1])])
def test_a_list_is_no_default(default: Any) -> None:
    body = {"__annotations__": {"a": "list[int]"}, "a": default}
    with pytest.raises(ValueError, match="mutable default"):
        dataclass(frozen=True)(type("Wrong", (), body))


def test_nothing_in_the_package_is_compiled_at_start() -> None:
    slow = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)
    files = Path(nntrain.__file__).parent.rglob("*.py")
    texts = {file.name: file.read_text() for file in files if file.name != "values.py"}
    found = [n for n, t in texts.items() if slow.search(t) and "@dataclass(frozen=True" in t]
    assert not found
