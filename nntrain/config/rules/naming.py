"""The name of a run, and what else stands beside the sections."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nntrain.config.rules.finding import Finding, Findings
from nntrain.config.tree import KeyPath
from nntrain.wording import quoted


def run_name(name: str) -> Findings:
    if name and (bad := unusable(name)):
        yield Finding(
            ("name",), f"the name becomes a folder, so {bad}", "use letters, digits, `-` and `_`"
        )


def unusable(name: str) -> str:
    """Why `name` can not name a folder, or nothing."""
    if odd := re.search(r'[/\\:*?"<>|\x00-\x1f\x7f]', name):
        return f"it can not have {quoted(odd[0])} in it"
    if name[0] in ".-~" or name != name.strip():
        return "it can not begin with `.`, `-` or `~`, nor begin or end with a space"
    return "it can have 100 characters at most" if len(name) > 100 else ""


def metadata_is_finite(metadata: Mapping[str, Any]) -> Findings:
    for path, value in _leaves(metadata, ("metadata",)):
        if isinstance(value, float) and not math.isfinite(value):
            yield Finding(path, f"expected a finite number, got {value}", f'quote it: "{value}"')


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, (Mapping, list, tuple)):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, (*path, key))
    else:
        yield path, value
