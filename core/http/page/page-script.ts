/** What a listing gains by JavaScript: it is sorted by a click on a heading, and filtered by name. */
export const PAGE_SCRIPT = `
'use strict';
const table=document.querySelector('table.list');
if(table){
const body=table.tBodies[0],field=document.querySelector('#filter'),count=document.querySelector('#count');
const up=body.querySelector('[data-up]');let rows=[...body.rows].filter(row=>row!==up);const all=rows.length;const names=new Map();
const key=(row,i)=>{const cell=row.cells[i],n=cell.dataset.n;return n===undefined?cell.textContent:Number(n)};
for(const [i,head] of [...table.tHead.rows[0].cells].entries()){
const button=head.querySelector('button');if(!button)continue;
button.addEventListener('click',()=>{
const rising=head.getAttribute('aria-sort')!=='ascending';
for(const other of table.tHead.rows[0].cells)other.removeAttribute('aria-sort');
head.setAttribute('aria-sort',rising?'ascending':'descending');
const keyed=rows.map(row=>[key(row,i),row]);
keyed.sort(([a],[b])=>(a<b?-1:a>b?1:0)*(rising?1:-1));
rows=keyed.map(([,row])=>row);
const sorted=document.createDocumentFragment();if(up)sorted.append(up);for(const row of rows)sorted.append(row);body.replaceChildren(sorted)})}
field.hidden=false;
field.addEventListener('input',()=>{
const text=field.value.toLowerCase();let shown=0;
for(const row of rows){
let name=names.get(row);if(name===undefined)names.set(row,name=row.cells[0].textContent.toLowerCase());
const on=name.includes(text);if(row.hidden===on)row.hidden=!on;if(on)shown++}
count.textContent=text===''?'':shown+' of '+all});
document.addEventListener('keydown',event=>{
if(event.key==='/'&&document.activeElement!==field){event.preventDefault();field.focus()}
else if(event.key==='Escape'&&document.activeElement===field){field.value='';field.dispatchEvent(new Event('input'));field.blur()}})
}
`;
