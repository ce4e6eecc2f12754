"""What a plain word in YAML means: the core schema of YAML 1.2, and nothing that surprises.

`no`, `on`, `12:30:45` and `2026-01-01` are text, `1e-3` is a number.  One difference from the
schema: `017` is text, because half of its readers would take it for 15.
"""

from __future__ import annotations

import re

from nntrain.config.tree import Scalar

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_OCTAL = re.compile(r"0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")
_DIGITS = 4000  # Python refuses to read longer whole numbers; they stay text


def scalar(text: str) -> Scalar:
    """The value of an unquoted word."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _DIGITS or not (text[0] in "+-." or text[0] in "0123456789"):
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text) or _OCTAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text) or _NAN.fullmatch(text):
        return float(text.replace(".", ""))
    return text
