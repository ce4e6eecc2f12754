"""A report as Chromium shows it: no errors, no requests, every picture there, nothing cut off.

Only where NNTRAIN_BROWSER is set, as `make test-full` does, and Chromium is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from nntrain.report.page import POLICY
from tests.conftest import ROOT, Command
from tests.test_report_inside import write_images

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
OWN = ("google.com", "googleapis.com", "gvt1.com")  # what Chromium asks for by itself
MOST_BYTES = 3_000_000
ONE_EPOCH = ("--set", "trainer.max_epochs=2", "--set", "expect={}")
CONFIGS = {
    "mlp": ("penguins", ()),
    "cnn": ("digits-cnn", ONE_EPOCH),
    "images": ("fashion-mnist", ONE_EPOCH),
    "lstm": ("japanese-vowels", ("--set", "model.layers.1.type=lstm", *ONE_EPOCH)),
    "regression": ("auto-mpg", ()),
    "forecast": ("sunspots", ()),
    "heads": ("penguins-heads", ONE_EPOCH),
}
LOOK = """
<script>
addEventListener("load", () => {
  const found = {broken: [], cut: [], over: [], empty: [], wide: 0, figures: 0, images: 0};
  for (const picture of document.querySelectorAll("figure > svg")) {
    const name = picture.previousElementSibling.textContent;
    const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
    const box = picture.getBBox();
    found.figures += 1;
    if (!(box.width > 20 && box.height > 5)) found.empty.push(name);
    const before = [];
    for (const text of picture.querySelectorAll("text")) {
      const b = text.getBBox(), m = text.getCTM().multiply(picture.getCTM().inverse());
      const x = m.e + b.x, y = m.f + b.y;
      if (x < -3 || x + b.width > width + 3 || y < -8 || y + b.height > height + 3)
        found.cut.push([name, text.textContent, x, y, b.width]);
      for (const [words, a, c, w] of before)
        if (Math.abs(y - c) < 9 && x < a + w - 4 && a < x + b.width - 4)
          found.over.push([name, words, text.textContent]);
      before.push([text.textContent, x, y, b.width]);
    }
  }
  for (const image of document.querySelectorAll("#again img")) {
    found.images += 1;
    if (!image.naturalWidth) found.broken.push(image.src.slice(0, 30));
  }
  found.wide = document.documentElement.scrollWidth - innerWidth;
  document.body.innerHTML = "";
  document.body.textContent = "<<" + JSON.stringify(found) + ">>";
});
</script>
"""

pytestmark = pytest.mark.skipif(
    not (os.environ.get("NNTRAIN_BROWSER") and CHROMIUM),
    reason="opens Chromium, which make test-full does where there is one",
)


def shown(page: Path, folder: Path, *flags: str) -> tuple[str, str, set[str]]:
    """The page after Chromium has read it, what it said about it, and what it asked for."""
    log = folder / "net.json"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", *flags,
        "--virtual-time-budget=20000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    asked = set(re.findall(r'"url":"((?:https?|wss?):[^"]*)"', log.read_text(errors="replace")))
    return ended.stdout, "\n".join(said), {url for url in asked if not _own(url)}


def _own(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(OWN)


def looked_at(page: Path, folder: Path, *flags: str) -> dict[str, Any]:
    """What a script finds in the same page, which the page itself would not let run."""
    text = page.read_text(encoding="utf-8").replace('http-equiv="Content', 'name="')
    other = folder / "looked-at.html"
    images = "".join(
        f'<img src="{each}">' for each in re.findall(r'<image [^>]*href="([^"]*)', text)
    )
    more = f'<div id="again" hidden>{images}</div>{LOOK}</body>'
    other.write_text(text.replace("</body>", more), encoding="utf-8")
    dom, said, _ = shown(other, folder, *flags)
    assert not said, said
    found = dom.partition("&lt;&lt;")[2].partition("&gt;&gt;")[0]
    whole: dict[str, Any] = json.loads(found)
    return whole


@pytest.fixture(params=CONFIGS)
def page(request: pytest.FixtureRequest, tmp_path: Path, nntrain: Command) -> Path:
    config, more = CONFIGS[request.param]
    ended = nntrain("fit", ROOT / "configs" / f"{config}.yaml", "-o", "run", "-q", *more)
    assert ended.code in (0, 5), ended.err
    assert nntrain("report", "run").code == 0
    return tmp_path / "run" / "report.html"


def test_a_report_is_whole(page: Path, tmp_path: Path) -> None:
    assert page.stat().st_size < MOST_BYTES
    dom, said, asked = shown(page, tmp_path)
    assert not said and not asked
    drawn = page.read_text(encoding="utf-8").count("<figure>")
    assert dom.count("<figure>") == drawn
    for flags in (
        ["--window-size=1280,900"],
        ["--window-size=500,844"],  # the narrowest that a headless window can be
        ["--window-size=1280,900", "--blink-settings=preferredColorScheme=0"],
    ):
        found = looked_at(page, tmp_path, *flags)
        assert found["figures"] == drawn > 3
        assert found["images"] == dom.count("<image")
        assert found["wide"] <= 0
        assert not found["broken"] and not found["empty"], found
        assert not found["cut"] and not found["over"], found


@pytest.mark.parametrize("saliency", [True, False])
def test_long_names_are_not_cut_off(
    tmp_path: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch, saliency: bool
) -> None:
    config = write_images(tmp_path)
    text = (tmp_path / "squares.csv").read_text()
    for short, long in (",a\n", "A class with a long name"), (",b\n", "Шшшшшшшшшш Wwwwwwwwwwwww"):
        text = text.replace(short, f",{long}\n")
    (tmp_path / "squares.csv").write_text(text, encoding="utf-8")
    assert nntrain("fit", config, "-o", "run", "-q").code == 0
    assert nntrain("fit", config, "-o", "run2", "-q", "--seed", "2").code == 0
    if not saliency:
        monkeypatch.setattr("nntrain.report.work.ASKED_FOR", 0.0)
    assert nntrain("report", "run", "run2", "-o", "both.html").code == 0
    found = looked_at(tmp_path / "both.html", tmp_path)
    assert found["images"] > (60 if saliency else 30) and found["wide"] <= 0
    assert not found["cut"] and not found["over"], found


def test_what_is_wrong_would_be_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    picture = '<img src="http://example.invalid/a.png">'
    bad.write_text(f"<!doctype html><html><head>{meta}</head><body>{picture}</body></html>")
    assert "violates" in shown(bad, tmp_path)[1]
    bad.write_text(f"<!doctype html><html><head></head><body>{picture}</body></html>")
    assert shown(bad, tmp_path)[2] == {"http://example.invalid/a.png"}
    drawing = '<svg viewBox="0 0 99 9"><text x="90" y="5">long</text><image href="data:x"/></svg>'
    bad.write_text(f"<html><body><figure><p>n</p>{drawing}</figure></body></html>")
    found = looked_at(bad, tmp_path)
    assert found["broken"] == ["data:x"] and found["cut"][0][:2] == ["n", "long"]
    drawing = '<svg viewBox="0 0 99 20"><text y="15">long</text><text x="9" y="15">er</text></svg>'
    bad.write_text(f"<html><body><figure><p>n</p>{drawing}</figure></body></html>")
    assert looked_at(bad, tmp_path)["over"] == [["n", "long", "er"]]
