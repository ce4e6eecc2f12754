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
