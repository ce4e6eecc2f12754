"""Style: how a page looks, and its drawings where each stands alone.

Nothing of the data stands in it.  Colours are variables, for light and dark and for paper.
"""

from __future__ import annotations

import re

LIGHT = """
--ink:#1a1d23;--soft:#5c6470;--rule:#dfe3e8;--paper:#fff;
--wash:#f5f7f9;--heat:37 99 235;--good:#0a7d43;--bad:#b3261e;
--s0:#2563eb;--s1:#d9480f;--s2:#0a8f5b;--s3:#9c36b5;--s4:#b08900;--s5:#0b8aa8;--s6:#d6336c;
--s7:#6b7280
"""
PAGE = """
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3af;--rule:#343a43;
--paper:#14171c;--wash:#1c2027;--heat:96 150 255;--good:#4cc38a;--bad:#ff8a80;
--s0:#6ea0ff;--s1:#ff9a5c;--s2:#4cc38a;--s3:#d98cf0;--s4:#e3bf4a;--s5:#55c7e0;--s6:#ff85b0;
--s7:#a3acb8}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem clamp(1rem,4vw,2.5rem) 4rem;max-width:76rem;color:var(--ink);
background:var(--paper);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
h1{font-size:1.7rem;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-top:.6rem;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:1rem 0 .3rem;overflow-wrap:anywhere}
p{margin:.3rem 0 .8rem;max-width:46rem;overflow-wrap:anywhere}
.about,.soft,.path{color:var(--soft)}.about{font-size:.85rem}.path{font-size:.85rem;margin-top:.2rem}
.soft{font-weight:400}.good{color:var(--good)}.bad{color:var(--bad)}
article{display:grid;grid-template-columns:minmax(0,1fr);column-gap:3rem}
@media (min-width:60rem){article{grid-template-columns:repeat(2,minmax(0,1fr))}
header,.wide{grid-column:1/-1}}
article+article{margin-top:4rem;border-top:3px solid var(--rule);padding-top:2rem}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.6rem;
margin:1rem 0}
.facts div{background:var(--wash);border-radius:.5rem;padding:.6rem .8rem}
.facts span{display:block;color:var(--soft);font-size:.8rem}
.facts b{font-size:1rem;font-weight:600;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.facts b span{display:inline;font-size:inherit}
.facts .good{color:var(--good)}.facts .bad{color:var(--bad)}
.notes{background:var(--wash);border-left:3px solid var(--s4);padding:.5rem 1rem;margin:1rem 0;
list-style:none;font-size:.9rem;overflow-wrap:anywhere}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));
gap:1.4rem 2rem;align-items:start}
.halves{display:grid;gap:1.4rem 3rem;grid-template-columns:minmax(0,1fr);align-items:start}
@media (min-width:60rem){.halves{grid-template-columns:26rem minmax(0,1fr)}}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;margin-bottom:.3rem;overflow-wrap:anywhere}
figcaption b{font-weight:600}
.keys{font-size:.85rem;padding-left:13%}
.key{display:inline-block;max-width:100%;margin-right:1rem;color:var(--soft);overflow-wrap:anywhere}
.key svg{margin-right:.3rem}
svg.chart{display:block;overflow:visible;width:100%;height:auto;max-width:26rem}
.bar{vertical-align:middle}.bar rect{fill:var(--s0)}.bar rect.rest{fill:var(--rule)}
.scroll{overflow-x:auto;margin:.4rem 0 .8rem}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .8rem .3rem 0;text-align:left;border-bottom:1px solid var(--rule);
vertical-align:top;unicode-bidi:isolate;max-width:24rem;overflow-wrap:break-word}
th{color:var(--soft);font-weight:500;overflow-wrap:normal}
.n{text-align:right;white-space:nowrap;padding-left:.8rem}
td.n,.matrix td{overflow-wrap:normal}
.matrix{font-size:.82rem}
.matrix td,.matrix th{padding:.3rem .25rem;text-align:center;border:0}
.matrix tbody th,.matrix th.corner{text-align:right}
.matrix td{min-width:2rem;border:1px solid var(--paper)}
.matrix .share,.matrix .h0{color:var(--soft)}th.n{white-space:normal}
.matrix thead th{vertical-align:bottom;max-width:8rem}
.in{color:var(--soft)}
pre{background:var(--wash);border-radius:.5rem;padding:.8rem 1rem;overflow-x:auto;font-size:.82rem;
line-height:1.45;margin:.4rem 0 .8rem;unicode-bidi:plaintext}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media print{:root{--ink:#000;--soft:#444;--rule:#ccc;--paper:#fff;--wash:#f5f5f5}
body{padding:0;font-size:11pt;max-width:none}pre{white-space:pre-wrap}
figure,tr,.facts div{break-inside:avoid}h2,h3,.about{break-after:avoid}
svg.chart{max-height:23cm}
article{display:block}article+article{break-before:page}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
svg text{font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft);
font-variant-numeric:tabular-nums;unicode-bidi:isolate}
"""
DRAWING = """
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.lone{stroke-width:6}.thin{stroke-width:1.2;opacity:.55}
.dots{fill:none;stroke-width:5;stroke-linecap:round;stroke-opacity:.45}
.rule{stroke:var(--rule)}.axis{stroke:var(--soft)}
.equal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
.best{stroke:var(--soft);stroke-dasharray:3 3}
.heat{fill:rgb(var(--heat))}rect.rest{fill:var(--rule)}
.whisker{stroke:var(--ink);stroke-width:1.5}.dashed{stroke-dasharray:6 4}
text.ink{fill:var(--ink)}text.good{fill:var(--good)}text.bad{fill:var(--bad)}
text.tiny{font-size:9.5px}
.box{fill:var(--wash);stroke:var(--s0)}.plain{stroke:var(--rule)}
.frame{fill:none;stroke:var(--soft);stroke-dasharray:2 3}
.wire{fill:none;stroke:var(--soft);stroke-width:1.3}.tip{fill:var(--soft)}
.pixels{image-rendering:pixelated}
"""
FONTS = 'Helvetica,Arial,"Liberation Sans","DejaVu Sans","Noto Sans","Segoe UI",sans-serif'
STROKES = "".join(f".s{n}{{stroke:var(--s{n})}}" for n in range(8))
SHADES = "".join(f".h{n}{{background:rgb(var(--heat)/{n * 0.09:.2f})}}" for n in range(8))

STYLE = f":root{{color-scheme:light dark;{LIGHT.strip()}}}{PAGE}{DRAWING}{STROKES}{SHADES}"
"""Of a page."""


def alone() -> str:
    """Of a drawing that is a file of its own, for readers that know no variables: light."""
    known = dict(re.findall(r"--(\w+):([^;]+)", LIGHT.replace("\n", "")))
    known["heat"] = ",".join(known["heat"].split())
    words = f"text{{font-family:{FONTS};font-size:12.5px;fill:var(--soft)}}"
    return re.sub(r"var\(--(\w+)\)", lambda found: known[found[1]], words + DRAWING + STROKES)
