import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRandom } from '../support/random.ts';
import { measure, median } from './measure.ts';
import { Server } from './server.ts';
import type { Verdict } from './targets.ts';
import { MIB } from './workloads.ts';

/** Connections at a time, and seconds of one measurement. */
const CONNECTIONS = 32;
const SECONDS = 5;
/** Where nginx listens. */
const NGINX_PORT = 18_377;

const TABLE: readonly (readonly [row: string, says: string, limit: number])[] = [
  ['one', 'one file of 64 KiB', 0.7],
  ['distinct', '10,000 files of 64 KiB, in turn, each asked for before', 0.4],
  ['large', 'a file of 10 MB', 0.7],
  ['listing', 'the page of a Dir of 200 files', 0.6],
];

/** Requests a second by row and server, one a round. */
export type WebTimes = ReadonlyMap<string, readonly number[]>;

/** `httpd` beside nginx that has the same bytes in files, both asked by wrk on this machine. */
export function benchWeb(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): { readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: WebTimes } {
  const title = `### web: requests a second by ${CONNECTIONS} connections, beside nginx with the same bytes`;
  const missing = ['nginx', 'wrk'].filter((name) => spawnSync(name, ['-v']).error !== undefined);
  if (missing.length > 0) return { table: `${title}\n\nnot measured: no ${missing.join(', ')}\n`, verdicts: [], times: new Map() };
  const times = new Map<string, number[]>();
  const at = (name: string): string => join(folder, name);
  const count = Math.max(100, Math.round(10_000 * scale));
  makeFiles(at('site'), count, scale);
  const env = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  measure(`"${process.execPath}" "${program}" -q -S ./peer -c "put site /; quit"`, env, folder);
  using ours = new Server(program, folder, '127.0.0.1:0', { env, command: 'httpd' });
  const { dirref } = JSON.parse(
    execFileSync('curl', ['-sf', `${ours.address}archive/default/site/?json`], { encoding: 'utf8', maxBuffer: 64 * MIB }),
  ) as {
    readonly dirref: string;
  };
  const base = `${ours.address}d/${encodeURIComponent(dirref)}/`;
  // nginx sends the page that we make, as a file.
  writeFileSync(at('site/listing/index.html'), execFileSync('curl', ['-sf', `${base}listing/`]));
  writeFileSync(at('distinct.lua'), luaOf(count));
  const child = startNginx(folder);
  try {
    for (const url of [base, `http://127.0.0.1:${NGINX_PORT}/`])
      execFileSync('curl', ['-sf', '-o', '/dev/null', `${url}many/[0-${count - 1}]`]);
    for (let round = 0; round < rounds; round++) {
      for (const [row] of TABLE) {
        for (const [server, url] of [
          ['ours', base],
          ['nginx', `http://127.0.0.1:${NGINX_PORT}/`],
        ] as const) {
          const key = `${row} ${server}`;
          const path = row === 'listing' ? 'listing/' : row === 'large' ? 'large' : 'many/0';
          times.set(key, [...(times.get(key) ?? []), requestsOf(url + path, row === 'distinct' ? at('distinct.lua') : undefined)]);
        }
      }
    }
  } finally {
    // Its workers end with it, which they would not by SIGKILL.
    child.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
  const ratio = (row: string): number => median(times.get(`${row} ours`) ?? []) / median(times.get(`${row} nginx`) ?? []);
  const rows = TABLE.map(([row, says]) => {
    const [mine, theirs] = [`${row} ours`, `${row} nginx`].map((key) => Math.round(median(times.get(key) ?? [])));
    return `| ${says} | ${mine} | ${theirs} | ${ratio(row).toFixed(2)} |`;
  });
  const table = `${title}\n\n${['| | httpd | nginx | ratio |', '|---|---|---|---|', ...rows, ''].join('\n')}`;
  const verdicts = TABLE.map(([row, says, limit]) => {
    const reached = 1 / ratio(row);
    return { part: 'web', what: `${says}, nginx to httpd`, reached, limit: 1 / limit, isReached: reached <= 1 / limit };
  });
  return { table, verdicts, times };
}

function makeFiles(site: string, count: number, scale: number): void {
  const random = makeRandom(11);
  for (const name of ['many', 'listing']) mkdirSync(join(site, name), { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(join(site, 'many', String(i)), random.bytes(64 * 1024));
  for (let i = 0; i < 200; i++) writeFileSync(join(site, 'listing', `some name ${i}.txt`), `${i}\n`);
  writeFileSync(join(site, 'large'), random.bytes(Math.ceil(10 * MIB * Math.min(1, scale * 4))));
}

/** Asks for the files in turn, wherever they are below. */
function luaOf(count: number): string {
  return `local n = 0
request = function()
  n = (n + 7919) % ${count}
  return wrk.format("GET", (wrk.path:gsub("0$", tostring(n))))
end
`;
}

function startNginx(folder: string): ReturnType<typeof spawn> {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ');
  const http = `access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=20000; ${temp}
server { listen 127.0.0.1:${NGINX_PORT}; root site; default_type application/octet-stream; index index.html; }`;
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root; worker_processes 2; daemon off; pid nginx.pid; error_log error.log; events {}\nhttp { ${http} }\n`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], { stdio: 'inherit' });
  for (let tries = 0; spawnSync('curl', ['-sf', '-o', '/dev/null', `http://127.0.0.1:${NGINX_PORT}/large`]).status !== 0; tries++) {
    if (tries === 100) throw new Error(`bench: nginx does not start: ${readFileSync(join(folder, 'error.log'), 'utf8')}`);
    spawnSync('sleep', ['0.05']);
  }
  return child;
}

function requestsOf(url: string, script: string | undefined): number {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...(script === undefined ? [] : ['-s', script]), url];
  const said = execFileSync('wrk', args, { encoding: 'utf8' });
  const [, perSecond] = /Requests\/sec: +([\d.]+)/.exec(said) ?? [];
  if (perSecond === undefined || /Non-2xx/.test(said)) throw new Error(`bench: wrk ${url}: ${said}`);
  return Number(perSecond);
}
