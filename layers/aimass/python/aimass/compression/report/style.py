"""How the page looks: on a screen, light or dark, and on A4. Colours are Okabe and Ito's, told apart by all eyes."""

CSS = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--back:#fff;--panel:#f6f8fa;
--chosen:#0072b2;--passed:#0072b2;--rejected:#b8450b;--open:#6e7781;--budget:#b8450b}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3d444d;--back:#0f1419;
--panel:#171c23;--chosen:#56b4e9;--passed:#56b4e9;--rejected:#f0905a;--open:#9aa4af;--budget:#f0905a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:2rem 1.5rem 3rem;background:var(--back);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif}
h1{font-size:1rem;font-weight:600;color:var(--soft);margin:0 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.6rem 0 .6rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .4rem}details h3{font-size:.875rem}.layers caption{color:var(--ink);font-weight:600}
p{max-width:46rem;margin:.4rem 0}
.verdict{font-size:1.6rem;line-height:1.3;font-weight:600;max-width:56rem;margin:0 0 1.2rem;text-wrap:pretty;
overflow-wrap:anywhere}
.note,figcaption,caption,small,.legend{color:var(--soft);font-size:.875rem}
small{display:block;font-weight:400}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(12.5rem,1fr));gap:.75rem;margin:0}
.tiles div{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem}
.tiles dt{color:var(--soft);font-size:.875rem}
.tiles dd{margin:0;font-size:.9rem;font-variant-numeric:tabular-nums}
.tiles dd strong{font-size:1.35rem;display:block;font-weight:600}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.875rem;margin:.4rem 0 1rem}
caption{text-align:left;padding:.3rem 0}
th,td{padding:.32rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{border-bottom:2px solid var(--ink);vertical-align:bottom}
th{font-weight:600}tbody th{font-weight:400;overflow-wrap:anywhere}
th:first-child,td:first-child{padding-left:0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
thead .number{white-space:normal}
.beside{table-layout:fixed}.beside th:first-child{width:15.5rem}.best td:nth-child(3){font-weight:600}
.all tbody th{min-width:15.5rem}.all td:last-child{min-width:20rem}
.layers{table-layout:fixed}.layers th:first-child{width:46%}.layers th:last-child{width:6rem}
td{overflow-wrap:anywhere}
figure{margin:0}svg{max-width:100%;height:auto;vertical-align:middle}
figure svg{display:block;width:100%}
@media screen{.beside{min-width:48rem}.forest{min-width:46rem}}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
.legend svg{margin-right:.25rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.4rem 0}
svg text{font-size:13px;fill:var(--ink);unicode-bidi:isolate}
svg .tick{fill:var(--soft)}svg .figure,svg .tick{font-variant-numeric:tabular-nums}
.grid{stroke:var(--line);stroke-width:.7}.zero{stroke:var(--soft);stroke-width:1}.edge{stroke:var(--ink);stroke-width:1}
line.budget{stroke:var(--budget);stroke-width:1.5;stroke-dasharray:6 4}svg text.budget{fill:var(--budget)}
.bar{stroke-width:1.8}.leader{stroke:var(--soft);stroke-width:.7}.beyond{fill:none;stroke:var(--rejected);stroke-width:1.5}
.bar.chosen,.bar.passed{stroke:var(--chosen)}.bar.open{stroke:var(--open)}.bar.rejected{stroke:var(--rejected)}
.mark{stroke-width:1.8}.mark.chosen,.mark.passed{fill:var(--chosen);stroke:var(--chosen)}
.mark.open{fill:var(--back);stroke:var(--open)}.mark.rejected{fill:none;stroke:var(--rejected);stroke-width:2.2}
.mark.original{fill:var(--ink);stroke:var(--ink)}
svg text.label{paint-order:stroke;stroke:var(--back);stroke-width:3px}svg text.chosen{font-weight:600}
.forest text.label{stroke:none}
details{margin:.5rem 0;border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem}
summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;font-size:.875rem;margin:.6rem 0}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
@media print{@page{size:A4;margin:14mm}body{padding:0;max-width:none;font-size:10pt}
.verdict{font-size:15pt}h2{margin-top:1.3rem;break-after:avoid}h3,caption{break-after:avoid}
table{font-size:8pt}th,td{padding:.2rem .4rem}tr,figure,.tiles div{break-inside:avoid}thead{display:table-header-group}
.all tbody th{min-width:45mm}.all td:last-child{min-width:13rem}.wide{overflow:visible}
.tiles{grid-template-columns:repeat(4,1fr);gap:.4rem}.tiles dd strong{font-size:1.15rem}
.pictures{grid-template-columns:1fr 1fr;gap:.5rem}.pictures svg text{font-size:14.5px}figcaption{font-size:8pt}
details{border:0;padding:0}details.printed::details-content{content-visibility:visible;block-size:auto}}
"""
