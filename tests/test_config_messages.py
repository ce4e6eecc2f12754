"""Every message about a wrong config, word for word: `golden/*.yaml` and what is said about it.

`UPDATE_GOLDEN=1 pytest tests/test_config_messages.py` writes the messages anew, for reading.
A leading comment `# --set a=b` is given as on the command line.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nntrain.config import load
from nntrain.errors import ConfigError

GOLDEN = Path(__file__).parent / "golden"
CONFIGS = sorted(path.name for path in GOLDEN.glob("*.yaml"))


def message(name: str) -> str:
    lines = Path(name).read_text(encoding="utf-8").splitlines()
    sets = [line.removeprefix("# --set ") for line in lines if line.startswith("# --set ")]
    with pytest.raises(ConfigError) as caught:
        load(name, sets)
    for problem in caught.value.problems:
        assert len(str(problem).splitlines()) <= 6
    return f"{caught.value}\n"


@pytest.mark.parametrize("name", CONFIGS)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    expected = GOLDEN / Path(name).with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(message(name), encoding="utf-8")
    assert message(name) == expected.read_text(encoding="utf-8")


def test_there_are_enough() -> None:
    assert len(CONFIGS) >= 20


def test_a_mistake_far_to_the_right_is_shown(tmp_path: Path) -> None:
    line = "model: {layers: [" + "{type: dense, units: 3}, " * 9 + "{type: dropout, rate: 4.5}]}"
    path = tmp_path / "long.yaml"
    path.write_text(f"data: {{path: a.csv, target: y}}\n{line}\nloss: cross_entropy\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    place, shown, caret, *_ = str(caught.value).split("\n")
    assert f":2:{line.index('4.5') + 1}: model.layers.9.rate: expected a number" in place
    assert shown[caret.index("^") :] == "4.5}]}"
    assert shown.startswith("  …")
