"""How a debrief looks: on a screen like a sheet of paper, and on paper like a report."""

from typing import Final

from pump_sim.notice import SIMULATOR_NOTICE

STYLE: Final = f"""
:root {{ --ink: #1a1d21; --soft: #4d545c; --line: #c9ccd1; --tint: #f3f4f6; --deep: #17395c;
  --bad: #a32c00; --warn: #7a5200; }}
* {{ box-sizing: border-box; }}
html {{ background: #dfe1e4; }}
body {{ font: 15px/1.5 "Liberation Sans", Arial, Helvetica, sans-serif; color: var(--ink);
  background: #fff; margin: 24px auto; padding: 44px 56px 56px; max-width: 940px;
  box-shadow: 0 1px 6px rgb(0 0 0 / 25%); }}
h1 {{ font-size: 30px; line-height: 1.2; margin: 14px 0 4px; color: var(--deep); }}
h2 {{ font-size: 22px; line-height: 1.25; margin: 0 0 2px; color: var(--deep); }}
h3 {{ font-size: 16px; margin: 26px 0 6px; color: var(--deep); }}
p {{ margin: 4px 0; }}
a {{ color: #00558a; }}
.notice {{ font-weight: bold; letter-spacing: .02em; border: 2px solid var(--ink);
  background: #fff7d6; padding: 5px 12px; margin: 0; text-align: center; }}
.about {{ color: var(--soft); }}
.unsafe {{ font-weight: bold; color: var(--bad); }}
.blanks {{ display: none; }}
.take {{ border-top: 3px solid var(--deep); margin-top: 40px; padding-top: 18px; }}
.note {{ border-left: 4px solid var(--bad); background: #fdeee8; padding: 6px 14px;
  margin: 10px 0 0; }}
.glance {{ display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 14px 0 4px; }}
.glance div {{ min-width: 120px; max-width: 260px; }}
.glance dt {{ color: var(--soft); font-size: 13px; }}
.glance dd {{ margin: 0; font-weight: bold; overflow-wrap: anywhere; }}
.appendix {{ color: var(--soft); font-size: 13px; margin-top: 30px; }}
.appendix table {{ font-size: 12.5px; }}
.appendix caption {{ font-size: 13.5px; padding-top: 10px; }}
.appendix td:first-child, .appendix td:nth-child(2) {{ white-space: nowrap; }}
.story {{ margin: 8px 0 0; padding: 12px 18px 12px 34px; background: var(--tint);
  border-left: 4px solid var(--deep); }}
.story li {{ margin: 3px 0; }}
table {{ border-collapse: collapse; width: 100%; margin: 6px 0 0; font-size: 13.5px;
  line-height: 1.4; }}
caption {{ text-align: left; font-weight: bold; font-size: 16px; color: var(--deep);
  padding: 24px 0 6px; }}
th, td {{ text-align: left; vertical-align: top; padding: 5px 8px;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }}
thead th {{ border-bottom: 2px solid var(--deep); color: var(--deep); background: #fff;
  overflow-wrap: normal; }}
tbody th {{ font-weight: normal; }}
.time, .clock {{ white-space: nowrap; overflow-wrap: normal; }}
.clock, .who {{ color: var(--soft); }}
.who, .compared td {{ overflow-wrap: break-word; }}
.kind {{ white-space: nowrap; overflow-wrap: normal; }}
.critical > * {{ background: #fdeee8; }}
.critical > :first-child {{ box-shadow: inset 4px 0 var(--bad); }}
.non_critical > :first-child {{ box-shadow: inset 4px 0 #c98a00; }}
.critical .what, .differs {{ font-weight: bold; }}
.critical .what::before {{ content: "\\25B2  "; color: var(--bad); }}
.non_critical .what::before {{ content: "\\25B3  "; color: var(--warn); }}
.decision .what, .choice .what {{ font-weight: bold; }}
.said .what {{ font-style: italic; }}
figure {{ margin: 22px 0 0; }}
figure svg {{ display: block; width: 100%; height: auto; }}
figcaption {{ color: var(--soft); font-size: 13px; margin-top: 4px; }}
footer {{ margin-top: 32px; padding-top: 8px; border-top: 1px solid var(--line);
  color: var(--soft); font-size: 13px; }}
@media (max-width: 860px) {{
  body {{ margin: 0 auto; padding: 28px 30px 40px; box-shadow: none; }}
}}
@page {{
  margin: 15mm 14mm 17mm;
  @bottom-left {{ content: "{SIMULATOR_NOTICE}"; font: bold 8pt Arial, sans-serif; }}
  @bottom-right {{ content: counter(page) " / " counter(pages); font: 8pt Arial, sans-serif; }}
}}
@media print {{
  html {{ background: #fff; }}
  body {{ max-width: none; margin: 0; padding: 0; box-shadow: none; font-size: 10pt;
    -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
  h1 {{ font-size: 20pt; }}
  h2 {{ font-size: 15pt; }}
  h3, caption {{ font-size: 11.5pt; }}
  table {{ font-size: 8.8pt; }}
  a {{ color: inherit; text-decoration: none; }}
  .glance {{ gap: 6px 20px; }}
  .glance div {{ min-width: 0; }}
  .glance dt, .appendix, .appendix table {{ font-size: 8.5pt; }}
  .blanks {{ display: flex; gap: 8mm; margin: 5mm 0 2mm; }}
  .blanks span {{ flex: 1; border-bottom: 1px solid var(--ink); color: var(--soft);
    padding-bottom: 6mm; font-size: 8.5pt; }}
  .take + .take, .compared + .take {{ break-before: page; border-top: 0; margin-top: 0; }}
  figure, tr, .story li {{ break-inside: avoid; }}
  figure svg {{ max-height: 225mm; }}
  h1, h2, h3, caption, thead, .note, .glance {{ break-after: avoid; }}
  p, li {{ orphans: 3; widows: 3; }}
}}
"""
