"""Pages: what is in a report, as the parser of the standard library reads it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = ("meta",)


class Page(HTMLParser):
    """shape: each element with the names of its attributes, and each end; texts: what is between.

    values: of all attributes.  An element that is not closed in its turn is an AssertionError.
    """

    def __init__(self, markup: str):
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.values: list[str] = []
        self.odd: list[str] = []
        self.open: list[str] = []
        self.ended = True
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, *(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]
        self.ended = True

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.shape.append((f"/{tag}",))
        self.ended = True

    def handle_data(self, data: str) -> None:
        if self.ended:
            self.texts.append("")
        self.texts[-1] += data
        self.ended = False

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)
