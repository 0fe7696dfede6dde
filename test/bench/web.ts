import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRandom } from '../support/random.ts';
import { measure, median } from './measure.ts';
import { Server } from './server.ts';
import type { Verdict } from './targets.ts';
import type { MeasuredServer, WebTime } from './web-servers.ts';
import { startBare, startNginx, timeRequests } from './web-servers.ts';
import type { TarTimes } from './web-tar.ts';
import { timeTar } from './web-tar.ts';
import { MIB, makeTree } from './workloads.ts';

/** Connections at a time, and seconds of one measurement. */
const CONNECTIONS = 32;
const SECONDS = 5;
/** How much longer the slowest of a hundred requests may take than with nginx. */
const MAX_P99 = 3;
/** How much longer a tar of many files may take than tar(1) takes to write it into a pipe. */
const MAX_TAR = 2;

const TABLE: readonly (readonly [row: string, says: string, limit: number])[] = [
  ['one', 'one file of 64 KiB', 0.7],
  ['distinct', '10,000 files of 64 KiB, in turn, each asked for before', 0.4],
  ['large', 'a file of 10 MB', 0.7],
  ['listing', 'the page of a Dir of 200 files', 0.6],
];

/** What was measured by row and server, once a round. */
export type WebTimes = ReadonlyMap<string, readonly WebTime[]>;

/**
 * `httpd` beside nginx that has the same bytes in files, and beside `node:http` that has them in memory: that is what a server in Node can
 * reach. All have one process, and are asked by wrk on this machine.
 */
export function benchWeb(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): { readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: WebTimes } {
  const title = `### web: ${CONNECTIONS} connections, beside nginx and node:http with the same bytes`;
  const missing = ['nginx', 'wrk'].filter((name) => spawnSync(name, ['-v']).error !== undefined);
  if (missing.length > 0) return { table: `${title}\n\nnot measured: no ${missing.join(', ')}\n`, verdicts: [], times: new Map() };
  const times = new Map<string, WebTime[]>();
  const at = (name: string): string => join(folder, name);
  const count = Math.max(100, Math.round(10_000 * scale));
  makeFiles(at('site'), count, scale);
  const treeSize = Math.max(100, Math.round(20_000 * scale));
  makeTree(at('site/tree'), treeSize);
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
  const servers: MeasuredServer[] = [{ name: 'httpd', url: base, pid: ours.pid }];
  let tar: TarTimes;
  try {
    servers.push(startNginx(folder), startBare(folder));
    // All is asked for before. The part behind the # goes to no server: curl asks again for each.
    for (const { url } of servers)
      for (const path of [`many/[0-${count - 1}]`, 'large#[0-3]', 'listing/#[0-3]'])
        execFileSync('curl', ['-sf', '-o', '/dev/null', url + path]);
    for (let round = 0; round < rounds; round++) {
      for (const [row] of TABLE) {
        for (const server of servers) {
          const key = `${row} ${server.name}`;
          const path = row === 'listing' ? 'listing/' : row === 'large' ? 'large' : 'many/0';
          const script = row === 'distinct' ? at('distinct.lua') : undefined;
          const time = timeRequests(server, path, script, { connections: CONNECTIONS, seconds: SECONDS });
          times.set(key, [...(times.get(key) ?? []), time]);
        }
      }
    }
    tar = timeTar(`${base}tree/`, at('site/tree'), rounds);
  } finally {
    // The workers of nginx end with it, which they would not by SIGKILL.
    for (const { name, pid } of servers) if (name !== 'httpd') process.kill(pid, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
  const names = servers.map(({ name }) => name);
  const of = (row: string, name: string, what: keyof WebTime): number =>
    median((times.get(`${row} ${name}`) ?? []).map((time) => time[what]));
  const ratio = (row: string, name: string): number => of(row, 'httpd', 'perSecond') / of(row, name, 'perSecond');
  const rows = TABLE.map(([row, says]) => {
    const cells = (what: keyof WebTime, digits: number): string => names.map((name) => of(row, name, what).toFixed(digits)).join(', ');
    return `| ${says} | ${cells('perSecond', 0)} | ${ratio(row, 'nginx').toFixed(2)} | ${ratio(row, 'node:http').toFixed(2)} | ${cells('cpuUs', 1)} | ${cells('p99Ms', 1)} |`;
  });
  const head = `| ${names.join(', ')} | requests a second | of nginx | of node:http | processor, µs a request | 99 of 100 within, ms |`;
  const packed = `${treeSize} files as a tar: ${tar.httpd.toFixed(2)} s from httpd, ${tar.tar.toFixed(2)} s by tar(1) into a pipe`;
  const table = `${title}\n\n${[head, '|---|---|---|---|---|---|', ...rows, '', packed, ''].join('\n')}`;
  const verdicts = TABLE.flatMap(([row, says, limit]) => {
    const reached = 1 / ratio(row, 'nginx');
    const slowest = of(row, 'httpd', 'p99Ms') / of(row, 'nginx', 'p99Ms');
    return [
      { part: 'web', what: `${says}, nginx to httpd`, reached, limit: 1 / limit, isReached: reached <= 1 / limit },
      { part: 'web', what: `${says}, 99 of 100 within`, reached: slowest, limit: MAX_P99, isReached: slowest <= MAX_P99 },
    ];
  });
  const reached = tar.httpd / tar.tar;
  verdicts.push({ part: 'web', what: 'a tar of 20,000 files, httpd to tar(1)', reached, limit: MAX_TAR, isReached: reached <= MAX_TAR });
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
