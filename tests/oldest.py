"""The oldest versions that pyproject.toml allows, of what nntrain and its extras need.

    python -m tests.oldest > constraints.txt

pip takes them as constraints; `make test-oldest` runs the suite with them, on the oldest Python.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def oldest(project: dict[str, object]) -> dict[str, str]:
    """The lower bound of each dependency; ValueError where one has none."""
    needed, extras = project["dependencies"], project["optional-dependencies"]
    assert isinstance(needed, list) and isinstance(extras, dict)
    found = {}
    for requirement in [*needed, *(each for extra in extras.values() for each in extra)]:
        bound = requirement.partition(";")[0].strip()  # without the platforms that need it
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)(?:,<[\w.]+)?", bound)
        if not match:
            raise ValueError(f"{requirement}: expected NAME>=VERSION")
        found[match[1]] = match[2]
    return found


def main() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name, version in oldest(tomllib.loads(text)["project"]).items():
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
