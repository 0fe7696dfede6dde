/** Rows per group in a listing: a browser does no layout for groups out of sight. */
export const GROUP_ROWS = 250;

/**
 * The script of all pages. A click on a heading sorts a list; lists can be filtered by name and walked by arrow keys. The footer's text can
 * be copied. The page of an archive tells when there is a newer state.
 */
export const PAGE_SCRIPT = `
'use strict';
const table=document.querySelector('table.list'),field=document.querySelector('#filter'),count=document.querySelector('#count');
let rows=[];
if(table){
const up=table.querySelector('[data-up]'),group=Number(table.dataset.group)||1000;
const all=[...table.querySelectorAll('tbody tr')].filter(row=>row!==up);rows=all;
let text='',sorted=all;const names=new Map();
const nameOf=row=>{let name=names.get(row);if(name===undefined)names.set(row,name=row.cells[0].textContent.toLowerCase());return name};
const key=(row,i)=>{const cell=row.cells[i],n=cell.dataset.n;return n===undefined?cell.textContent:Number(n)};
const show=()=>{
rows=text===''?sorted:sorted.filter(row=>nameOf(row).includes(text));
const list=up?[up,...rows]:rows,bodies=[];
for(let i=0;i===0||i<list.length;i+=group){const body=document.createElement('tbody');body.append(...list.slice(i,i+group));bodies.push(body)}
for(const body of [...table.tBodies])body.remove();
table.append(...bodies);
if(count)count.textContent=text===''?'':rows.length+' of '+all.length};
for(const [i,head] of [...table.tHead.rows[0].cells].entries()){
const button=head.querySelector('button');if(!button)continue;
button.addEventListener('click',()=>{
const rising=head.getAttribute('aria-sort')!=='ascending';
for(const other of table.tHead.rows[0].cells)other.removeAttribute('aria-sort');
head.setAttribute('aria-sort',rising?'ascending':'descending');
const keyed=all.map(row=>[key(row,i),row]);
keyed.sort(([a],[b])=>(a<b?-1:a>b?1:0)*(rising?1:-1));
sorted=keyed.map(([,row])=>row);show()})}
if(field){field.hidden=false;
field.addEventListener('input',()=>{text=field.value.toLowerCase();show()})}}
const move=step=>{
const at=rows.indexOf(document.activeElement.closest('tr'));
for(let i=at<0&&step<0?rows.length-1:at+step;i>=0&&i<rows.length;i+=step){const link=rows[i].querySelector('a');if(link){link.focus();return true}}
return false};
document.addEventListener('keydown',event=>{
if(event.ctrlKey||event.altKey||event.metaKey)return;
const typing=document.activeElement.matches('input');
if(event.key==='/'&&!typing&&field){event.preventDefault();field.focus()}
else if(event.key==='Escape'&&document.activeElement===field){field.value='';field.dispatchEvent(new Event('input'));field.blur()}
else if(event.key==='ArrowDown'&&(!typing||document.activeElement===field)&&move(1))event.preventDefault();
else if(event.key==='ArrowUp'&&!typing&&move(-1))event.preventDefault();
else if(!typing&&!event.shiftKey)document.querySelector('[data-key="'+CSS.escape(event.key)+'"]')?.click()});
document.querySelector('script[src]')?.addEventListener('load',()=>hljs.highlightElement(document.querySelector('pre code')));
for(const code of document.querySelectorAll('footer code')){
const button=document.createElement('button');button.className='copy';button.textContent='Copy';
button.setAttribute('aria-label','Copy: '+code.parentElement.previousElementSibling.textContent);
button.addEventListener('click',async()=>{
try{await navigator.clipboard.writeText(code.textContent)}
catch{getSelection().selectAllChildren(code);document.execCommand('copy')}
button.textContent='Copied'});code.after(button)}
const newer=document.querySelector('#newer');
if(newer){
let etag;
const look=async()=>{
if(document.hidden)return;
try{const found=(await fetch(newer.dataset.from,{method:'HEAD',cache:'no-store'})).headers.get('etag');
if(etag===undefined)etag=found;
else if(found&&found!==etag){newer.innerHTML='A newer state is recorded. <a href="">Show it</a>';clearInterval(timer)}}catch{}};
const timer=setInterval(look,10000);look()}
`;
