import { GROUP_ROWS } from './page-script.ts';

/** The style of all pages; it follows the reader's choice of dark or light. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--fg:#1c1e21;--dim:#565d65;--bg:#fff;--line:#dfe3e7;--link:#0b57b0;--hover:#f2f5f8;--new:#12692f;--gone:#a3262a;--again:#8a5a00}
@media(prefers-color-scheme:dark){:root{--fg:#e4e6e9;--dim:#a3acb6;--bg:#16181b;--line:#2f343a;--link:#7db7ff;--hover:#20242a;--new:#6fd08c;--gone:#ff9b9b;--again:#e0b050}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
a{color:var(--link);text-decoration:none}a:hover,a:focus,article a,main p a,h1 a{text-decoration:underline}
:focus-visible{outline:2px solid var(--link);outline-offset:1px}
h1{font-size:1.25rem;margin:.5rem 0;overflow-wrap:anywhere}h1 a,h1 span{margin-right:.15rem}h1 span{color:var(--dim)}h2{font-size:1.1rem}
nav,footer{color:var(--dim);font-size:.9rem}nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:center}footer{margin-top:2rem;border-top:1px solid var(--line)}
table{border-collapse:collapse;width:100%;margin:.75rem 0}caption{text-align:left;color:var(--dim)}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
.list td:first-child,.p{overflow-wrap:anywhere}.w{white-space:nowrap}th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--link)}
th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.t{white-space:nowrap;color:var(--dim)}
/* Rows of their own, so that those out of sight cost no layout: a Dir may have 100,000 names. */
.dir,.dir caption,.dir thead,.dir tbody{display:block}.dir tr{display:grid;grid-template-columns:minmax(0,1fr) 5.5rem 10.4rem 5.5rem}
/* All groups but the last are full. */
.dir tbody:not(:last-child){content-visibility:auto;contain-intrinsic-size:auto ${2.1 * GROUP_ROWS}rem}
.dir td:last-child{overflow:hidden;text-overflow:ellipsis}
.dir td:first-child a{white-space:pre-wrap}.dir td:first-child a[href$="/"]:not([data-key]){font-weight:600}
/* On a phone the time has a line of its own under the name. */
@media(max-width:34rem){main{overflow-x:auto}th,td{padding:.25rem .4rem}.list:not(.dir) td:first-child,.p{overflow-wrap:break-word}.dir tr{grid-template-columns:minmax(0,1fr) auto;border-bottom:1px solid var(--line)}.dir td{border:0}.dir th{border:0}.dir tr>:nth-child(3){grid-row:2;font-size:.85rem;padding-top:0}.dir tr>:nth-child(4){display:none}}
tbody tr:hover{background:var(--hover)}
pre,article{overflow:auto;padding:.75rem;border:1px solid var(--line);border-radius:.4rem}
pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
article{margin-top:.75rem;padding:.25rem 1.25rem;overflow-wrap:break-word}article h1{font-size:1.4rem}article table{width:auto}article pre{background:var(--hover)}blockquote{margin-left:0;padding-left:1rem;border-left:3px solid var(--line);color:var(--dim)}
img,video{max-width:100%;max-height:80vh}audio{width:100%}
input,form button,button.copy{font:inherit;padding:.2rem .5rem;color:inherit;background:var(--bg);border:1px solid var(--dim);border-radius:.4rem}
input[type=search]{width:18rem;max-width:100%}::placeholder{color:var(--dim);opacity:1}button{cursor:pointer}button.copy{font-size:.8rem;padding:0 .4rem;margin-left:.5rem}
code{font:12px ui-monospace,monospace;overflow-wrap:anywhere}article code{font-size:.85em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
ins,del{text-decoration:none;color:var(--new)}del{color:var(--gone)}meter{width:100%}
pre.diff{white-space:pre-wrap;padding:.5rem 0}pre.diff>*{display:block;padding:0 .75rem}pre.diff ins{background:color-mix(in srgb,var(--new) 14%,transparent)}pre.diff del{background:color-mix(in srgb,var(--gone) 14%,transparent)}pre.diff em{color:var(--dim);border-top:1px solid var(--line)}
small{color:var(--dim)}
.map{background:var(--line)}.once{fill:var(--link)}.again{fill:var(--again)}.run{fill:var(--dim)}.key{color:var(--dim);font-size:.9rem}
/* Pictures side by side, each in a square. */
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.75rem;list-style:none;margin:1rem 0;padding:0}
.tiles a{display:grid;grid-template-rows:9.5rem auto;gap:.25rem}.tiles img{width:100%;height:100%;max-height:none;object-fit:cover;border-radius:.3rem;background:var(--hover)}
.tiles span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.85rem;text-align:center}
.hljs-comment,.hljs-quote,.hljs-meta{color:var(--dim);font-style:italic}.hljs-keyword,.hljs-selector-tag,.hljs-tag,.hljs-name,.hljs-section{color:var(--link)}
.hljs-string,.hljs-regexp,.hljs-addition,.hljs-code{color:var(--new)}.hljs-number,.hljs-literal,.hljs-attr,.hljs-attribute,.hljs-built_in,.hljs-symbol,.hljs-bullet{color:var(--again)}
.hljs-title,.hljs-type,.hljs-strong{font-weight:600}.hljs-deletion{color:var(--gone)}.hljs-emphasis{font-style:italic}pre code{font:inherit}
#newer:not(:empty){padding:.4rem .8rem;border:1px solid var(--link);border-radius:.4rem}
`;
