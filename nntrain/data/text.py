"""Plain text: cut into tokens, one a row, of which each is foretold by those before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

import numpy as np

from nntrain.data.files import checked_lines, opened_text
from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError
from nntrain.families import PositiveInt, Source
from nntrain.values import dataclass

COLUMN = "text"
_WORD = re.compile(r" ?\w+(?:['’-]\w+)*|\s|[^\w\s]")


@dataclass(frozen=True)
class Text(Source):
    """Plain text in UTF-8: the network learns what comes next, and can go on with a text.

    unit: what one step is, a character or a word (with the blank before it; punctuation and line
        ends are words of their own).
    vocabulary: how many different ones are told apart, the most frequent of the training text;
        left out, all of them.
    """

    unit: Literal["characters", "words"] = "characters"
    vocabulary: PositiveInt | None = None

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        """Tables of one column, `text`, a row a token; together the tokens are the file again."""
        if isinstance(source, (str, Path)):
            with opened_text(Path(source)) as stream:
                yield from self._tables(stream, str(source), rows_at_a_time)
        else:
            yield from self._tables(
                source, str(getattr(source, "name", "<stream>")), rows_at_a_time
            )

    def _tables(self, stream: TextIO, file: str, count: int) -> Iterator[Table]:
        tokens: list[str] = []
        lines: list[int] = []
        number = 0
        for number, line in enumerate(checked_lines(stream, file), start=1):
            new = self.cut(line)
            tokens += new
            lines += [number] * len(new)
            if len(tokens) >= count:
                yield Table(file, np.array(lines), {COLUMN: np.array(tokens, TEXT)})
                tokens, lines = [], []
        if not number:
            raise DataError("the file is empty", file)
        if tokens:
            yield Table(file, np.array(lines), {COLUMN: np.array(tokens, TEXT)})

    def cut(self, text: str) -> list[str]:
        """The tokens of a text, which joined are the text, its lines ended by a line feed."""
        text = text.replace("\r\n", "\n")
        return list(text) if self.unit == "characters" else _WORD.findall(text)
