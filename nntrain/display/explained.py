"""What `check --explain` says, in lines that fit the terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from nntrain.display.costs import width
from nntrain.display.text import printable

MOST = 12  # values of a config that are shown


def explained(result: Mapping[str, Any]) -> list[str]:
    """Each answer, and what the config has."""
    lines: list[str] = []
    for answer in result["answers"]:
        lines += ["", *_answer(result["key"], answer)]
    if here := result.get("here"):
        lines += ["", "in this config:"]
        for each in here[:MOST]:
            said = f"{printable(each['key'])}: {_yaml(each['value'])} ({each['from']})"
            lines += textwrap.wrap(said, width(), initial_indent="  ", subsequent_indent="    ")
        if len(here) > MOST:
            lines.append(f"  … and {len(here) - MOST} more: nntrain check CONFIG --resolved")
    return lines[1:]


def _answer(key: str, answer: Mapping[str, Any]) -> Iterator[str]:
    of = ", ".join(answer.get("of", ()))
    yield from _wrapped(f"{key} (of {of})" if of else key)
    if formula := answer.get("formula"):
        yield from (f"  {line.strip()}" for line in formula.splitlines())
    yield from _wrapped(answer.get("meaning", ""), "  ")
    if "takes" in answer and "keys" not in answer:
        yield from _fact("takes", answer["takes"])
    if "example" in answer:
        if "keys" not in answer:
            usual = "none: it must be given" if answer["required"] else _yaml(answer["default"])
            yield from _fact("default", usual)
        written = _yaml(answer["written"])
        inside = written[1:-1] if "type" not in answer["written"] else written
        yield from _fact("example", inside)
    if keys := answer.get("keys"):
        yield "  keys:"
        for name, about in keys.items():
            usual = f" (default {about['default']})" if about["default"] else " (must be given)"
            yield from _item(f"{name}{usual}", about["meaning"])
    if kinds := answer.get("kinds"):
        yield "  kinds:"
        for name, about in kinds.items():
            yield from _item(name, about)


def _fact(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, width(), initial_indent=f"  {name}: ".ljust(12), subsequent_indent=" " * 12
    )


def _item(name: str, about: str) -> list[str]:
    return textwrap.wrap(
        f"{name}: {about}", width(), initial_indent="    ", subsequent_indent="      "
    )


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width(), initial_indent=indent, subsequent_indent=indent)


def _yaml(value: Any) -> str:
    """A value in the flow style of YAML, or near to it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_yaml(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, str) and value and value.replace("_", "a").replace("-", "a").isalnum():
        return printable(value)
    return printable(json.dumps(value, ensure_ascii=False))
