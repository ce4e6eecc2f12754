"""What `tests/mutants.py` takes for a message, how it tells a change, and what is explained."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants import AREAS, ROOT, explained, found

ORIGINAL = """\
def x_f__mutmut_orig(a, b):
    if a > b:
        raise ValueError(f"{a} is more than {b}", "b")
    return g(
        a + b,
        "two words",
        "word",
    )
"""


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("a > b:", "a >= b:", False),
        ("a + b,", "a - b,", False),
        ('"word"', '"WORD"', False),
        ('"two words"', '"XXtwo wordsXX"', True),
        ('"two words"', "None", True),
        ('"b")', "None)", True),
        ('f"{a} is more than {b}", "b"', "None", True),
        ("    return g(\n", "    return h(\n", False),
    ],
)
def test_messages_are_told_from_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was: str, now: str, message: bool
) -> None:
    assert was in ORIGINAL
    monkeypatch.setattr("tests.mutants.HOME", tmp_path)
    folder = tmp_path / "store" / "mutants" / "nntrain"
    folder.mkdir(parents=True)
    mutant = ORIGINAL.replace(was, now).replace("_orig", "_1")
    (folder / "a.py").write_text(ORIGINAL + mutant)
    (folder / "a.py.meta").write_text('{"exit_code_by_key": {"nntrain.a.x_f__mutmut_1": 0}}')
    ((one,),) = [module.mutants for module in found("store")]
    assert (one.where, one.state, one.message) == ("nntrain.a.f", "survived", message)
    old, new = one.text.split(" → ")
    assert was.strip() in old
    assert now.strip() in new


def test_what_is_explained_still_stands_in_the_code() -> None:
    for (where, change), why in explained().items():
        parts = where.split(".")
        ends = range(len(parts), 0, -1)
        paths = (ROOT.joinpath(*parts[:n]).with_suffix(".py") for n in ends)
        source = next(path for path in paths if path.exists()).read_text(encoding="utf-8")
        functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
        code = [ast.get_source_segment(source, n) for n in functions if n.name == parts[-1]]
        flat = [" ".join(line.strip() for line in each.splitlines()) for each in code if each]
        assert any(change.split(" → ")[0] in each for each in flat), (where, change)
        assert why


def test_every_area_has_modules_and_tests() -> None:
    for area in AREAS.values():
        assert all(list((ROOT / "nntrain").glob(module)) for module in area.modules)
        assert any(list((ROOT / "tests").glob(f"test_{each}.py")) for each in area.tests)
