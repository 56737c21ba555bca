"""The report pages' style sheet and the mark of the house."""

from pipelines.report_charts import Html

PAN = Html(
    '<svg viewBox="0 0 32 32" aria-hidden="true"><path d="M2 12h28L19 25q-3 2.6-6 0z" fill="var(--slate)"/>'
    '<ellipse cx="16" cy="12" rx="14" ry="4.2" fill="var(--track)" stroke="var(--slate)"/>'
    '<g class="kept"><circle cx="13" cy="12.4" r="1.7"/><circle cx="18.4" cy="11.6" r="1.3"/>'
    '<circle cx="16.4" cy="13.8" r="1"/></g></svg>'
)

STYLE = Html("""
:root { --paper:#faf8f3; --card:#fffefb; --ink:#25221c; --quiet:#6a6457; --line:#e6e0d3; --track:#f0ebdf;
  --gold:#c4861a; --gold-ink:#8f5d08; --slate:#8793a3; --brick:#b5452c; --alarm:#fdf1ea; --soft:#e3c489; }
@media (prefers-color-scheme:dark) { :root { --paper:#151618; --card:#1c1e21; --ink:#ebe6db; --quiet:#a59f92;
  --line:#2f3135; --track:#26282c; --gold:#dda53a; --gold-ink:#ecba5c; --slate:#66727f; --brick:#e0775b;
  --alarm:#2b1f1b; --soft:#75592a; } }
* { box-sizing:border-box; }
html { -webkit-text-size-adjust:100%; }
body { margin:0; background:var(--paper); color:var(--ink); font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
  "Helvetica Neue",Arial,sans-serif; font-variant-numeric:tabular-nums; overflow-wrap:anywhere; }
header,main,footer { max-width:1160px; margin:0 auto; padding:0 clamp(1rem,4vw,2.5rem); }
header { padding-top:clamp(1.5rem,5vw,3.5rem); }
h1 { font-size:clamp(1.9rem,5vw,2.9rem); line-height:1.1; letter-spacing:-.02em; margin:.6rem 0 .9rem;
  font-weight:650; }
h2 { font-size:1.2rem; letter-spacing:-.01em; margin:0; font-weight:650; }
p { margin:.3rem 0; }
.brand { display:flex; align-items:center; gap:.55rem; color:var(--quiet); font-size:.92rem; }
.brand svg { width:1.7rem; height:1.7rem; flex:none; }
.lead { font-size:clamp(1.08rem,2.2vw,1.28rem); line-height:1.5; max-width:46em; }
.lead b { color:var(--gold-ink); font-weight:650; }
.about,.note,.none { color:var(--quiet); font-size:.92rem; max-width:62em; }
.big { display:grid; grid-template-columns:repeat(4,1fr); gap:1px; margin:1.8rem 0 0; background:var(--line);
  border:1px solid var(--line); border-radius:14px 14px 0 0; overflow:hidden; }
.big div { background:var(--card); padding:1.1rem 1.25rem; container-type:inline-size; }
.big dt { color:var(--quiet); font-size:.88rem; }
.big dd { margin:0; font-size:min(2.5rem,calc(150cqi / var(--digits))); line-height:1.25; font-weight:650;
  letter-spacing:-.02em; white-space:nowrap; }
.big dd+dd { font-size:.88rem; font-weight:400; letter-spacing:0; white-space:normal; color:var(--quiet); }
.big .kept { color:var(--gold-ink); } .big .unreadable { color:var(--brick); }
.sum { font-size:.88rem; color:var(--quiet); margin-top:.6rem; }
section { background:var(--card); border:1px solid var(--line); border-radius:14px; margin:1.25rem 0 0;
  padding:1.4rem clamp(1rem,2.5vw,1.75rem) 1.5rem; min-width:0; }
.columns { display:grid; grid-template-columns:minmax(0,1fr) minmax(0,1fr); gap:0 1.25rem; align-items:start; }
.alarm { background:var(--alarm); border-color:var(--brick); }
.alarm h2 { color:var(--brick); } .alarm ul { margin:.4rem 0 0; padding-left:1.2rem; }
svg.bar { display:block; width:100%; height:5px; background:var(--track); border-radius:3px; margin-top:.3rem; }
svg.whole { height:12px; border-radius:0 0 14px 14px; margin:0; }
svg.step { height:12px; border-radius:4px; }
svg.spread { height:11px; border-radius:3px; margin-top:.25rem; }
.kept { fill:var(--gold); } .dropped { fill:var(--slate); }
.unreadable { fill:var(--brick); } .soft { fill:var(--soft); }
.key { display:inline-block; width:.75em; height:.75em; border-radius:3px; margin:0 .35em 0 0; }
.key rect { width:100%; height:100%; } .legend span { white-space:nowrap; margin-right:1.1em; }
table { width:100%; border-collapse:collapse; margin-top:.7rem; font-size:.94rem; }
caption { position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%); white-space:nowrap; }
th,td { padding:.42rem 0 .42rem .9rem; border-top:1px solid var(--line); vertical-align:top; text-align:left;
  font-weight:400; }
th:first-child { padding-left:0; }
thead th { border-top:0; padding-top:0; color:var(--quiet); font-size:.82rem; vertical-align:bottom; }
tfoot th,tfoot td { font-weight:650; } tfoot .dim { font-weight:400; }
.numbers td,.numbers thead th+th { text-align:right; white-space:nowrap; }
.numbers th:first-child { width:99%; } .numbers thead th { white-space:nowrap; }
.dim,.shares td:last-child { color:var(--quiet); }
.tag { margin-left:.4em; padding:0 .5em; border:1px solid; border-radius:99px; font-size:.76rem; color:var(--brick); }
.histogram { margin:1.2rem 0 .6rem; padding-right:2.6rem; }
.half { position:relative; } .half svg { position:absolute; inset:0; width:100%; height:100%; z-index:1; }
.half rect:hover { opacity:.75; }
.line { position:absolute; left:0; right:0; border-top:1px solid var(--line); }
.line span { position:absolute; left:calc(100% + .4rem); top:-.5em; white-space:nowrap; font-size:.72rem; line-height:1;
  color:var(--quiet); }
.axis { display:flex; list-style:none; margin:0; padding:.2rem 0; font-size:.7rem; color:var(--quiet); }
.axis li { flex:1 1 0; width:0; } .axis span { display:inline-block; white-space:nowrap; transform:translateX(-50%); }
.facts { display:grid; grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr)); gap:.9rem 1.2rem; margin:.9rem 0 0; }
.facts dt { color:var(--quiet); font-size:.82rem; } .facts dd { margin:0; font-weight:600; }
details { margin-top:.7rem; } summary { cursor:pointer; padding:.2rem 0; color:var(--quiet); border-radius:4px; }
summary:hover { color:var(--ink); } summary:focus-visible { outline:2px solid var(--gold); outline-offset:2px; }
.samples { margin-top:.8rem; } .samples>details { margin:0; border-top:1px solid var(--line); padding:.35rem 0; }
.samples summary b { color:var(--ink); font-weight:600; }
.pages { columns:26em 2; column-gap:2rem; padding-top:.6rem; }
article { margin:0 0 1.4rem; padding-left:1rem; border-left:3px solid var(--line); contain:paint; break-inside:avoid; }
.kept-pages article { border-color:var(--gold); }
.url,code { font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace; font-size:.84rem;
  word-break:break-word; }
.why { font-size:.86rem; color:var(--quiet); margin:0; } .why span { margin-right:1.1em; }
blockquote { margin:.4rem 0 0; white-space:pre-wrap; unicode-bidi:isolate; font-size:.92rem; max-width:75ch;
  tab-size:4; }
.group th { font-weight:650; padding-top:1.1rem; border-top:0; } .texts td:nth-child(2) { min-width:6em; }
footer { padding-top:1.5rem; padding-bottom:3rem; color:var(--quiet); font-size:.86rem; }
@media (min-width:821px) {
  .wide .named { display:grid; grid-template-columns:21em 1fr; gap:1rem; align-items:center; }
  .wide td { vertical-align:middle; }
  .wide svg.bar { margin:0; height:12px; border-radius:4px; } .wide svg.step { height:18px; }
}
@media (max-width:820px) {
  .columns { grid-template-columns:minmax(0,1fr); } .big { grid-template-columns:1fr 1fr; }
}
@media (max-width:600px) {
  body { font-size:15px; } .big div { padding:.8rem .9rem; } th,td { padding-left:.6rem; }
  .numbers tr { position:relative; } .numbers tr:has(.bar)>* { padding-bottom:1.2rem; }
  .numbers svg.bar { position:absolute; left:0; bottom:.5rem; } .numbers svg.step { height:8px; }
  .numbers thead th { white-space:normal; } .axis li:nth-child(even) { visibility:hidden; }
  .vast .numbers tr { display:flex; flex-wrap:wrap; border-top:1px solid var(--line); }
  .vast .numbers tr>* { flex:1; border:0; } .vast .numbers tr>:first-child { flex:1 0 100%; padding-bottom:0; }
  .texts,.texts tbody,.texts tr,.texts th,.texts td { display:block; border:0; padding:0; }
  .texts thead { display:none; } .texts tr { border-top:1px solid var(--line); padding:.5rem 0; }
}
@media print {
  html { font-size:10px; } body { background:#fff; font-size:11px; } section,.big { border-color:#ccc; }
  .big { grid-template-columns:repeat(4,1fr); } .columns { grid-template-columns:1fr 1fr; } header { padding-top:0; }
  section,tr,article { break-inside:avoid; } .long { break-inside:auto; }
  svg { print-color-adjust:exact; -webkit-print-color-adjust:exact; }
}
""")
