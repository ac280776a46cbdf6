"""The style of the certificate: for A4 paper, in black and in one accent for the result."""

STYLE = """
@page { size: A4; margin: 18mm 16mm; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #111; font: 10.5pt/1.45 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 178mm; margin: 0 auto; padding: 8mm 0; }
h1 { font-size: 20pt; margin: 0 0 2mm; }
h2 { font-size: 12pt; margin: 7mm 0 2mm; border-bottom: .3mm solid #bbb; break-after: avoid; }
p { margin: 1.5mm 0; }
.pair { font-size: 12pt; overflow-wrap: anywhere; }
.when { color: #444; }
.verdict { border: .5mm solid; border-left-width: 3mm; padding: 2mm 4mm; margin: 5mm 0; break-inside: avoid;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.verdict strong { font-size: 14pt; text-transform: capitalize; }
.good { border-color: #1a7f37; } .good strong { color: #1a7f37; }
.fair { border-color: #9a6700; } .fair strong { color: #7d5400; }
.bad { border-color: #b42318; } .bad strong { color: #b42318; }
table { border-collapse: collapse; width: 100%; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { text-align: left; vertical-align: top; padding: .8mm 2mm; border-bottom: .2mm solid #ddd; }
td { overflow-wrap: anywhere; }
td:nth-child(2) { font-variant-numeric: tabular-nums; }
.wide td:nth-child(2) { white-space: nowrap; }
.wide td:first-child { width: 55%; font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 8.5pt; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .8mm 4mm; margin: 2mm 0; }
dt { color: #444; }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 8.5pt; }
.finding { color: #b42318; }
@media screen { main { padding: 12mm 6mm; } }
"""
