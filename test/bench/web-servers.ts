import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where nginx listens, and what answers from memory. */
const NGINX_PORT = 18_377;
const BARE_PORT = 18_378;

/** A server that is measured. */
export interface MeasuredServer {
  readonly name: string;
  /** With a slash at its end. */
  readonly url: string;
  readonly pid: number;
}

/** What one measurement found. */
export interface WebTime {
  readonly perSecond: number;
  /** Processor time of the server for a request, in microseconds. */
  readonly cpuUs: number;
  /** The time within which 99 of 100 requests were answered, in milliseconds. */
  readonly p99Ms: number;
}

/** Asks a server by many connections at a time. @param script - of wrk, where not one URL is asked for */
export function timeRequests(
  { pid, url }: MeasuredServer,
  path: string,
  script: string | undefined,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): WebTime {
  const before = cpuTicks(pid);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...(script === undefined ? [] : ['-s', script]), url + path];
  const said = execFileSync('wrk', args, { encoding: 'utf8' });
  const ticks = cpuTicks(pid) - before;
  const [, count] = /(\d+) requests in/.exec(said) ?? [];
  const [, perSecond] = /Requests\/sec: +([\d.]+)/.exec(said) ?? [];
  const [, p99, unit = ''] = /99% +([\d.]+)(us|ms|s)/.exec(said) ?? [];
  if (perSecond === undefined || /Non-2xx/.test(said)) throw new Error(`bench: wrk ${url + path}: ${said}`);
  const factor = { us: 0.001, ms: 1, s: 1000 }[unit] ?? 1;
  return { perSecond: Number(perSecond), cpuUs: (ticks * 10_000) / Number(count), p99Ms: Number(p99) * factor };
}

/** Processor time of a process and of those that it started, in hundredths of a second. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  return Number(fields[11]) + Number(fields[12]) + children.reduce((sum, child) => sum + cpuTicks(Number(child)), 0);
}

/** nginx with the files of a folder `site`, by as many processes as httpd has. */
export function startNginx(folder: string): MeasuredServer {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ');
  const http = `access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=20000; ${temp}
server { listen 127.0.0.1:${NGINX_PORT}; root site; default_type application/octet-stream; index index.html; }`;
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root; worker_processes 1; daemon off; pid nginx.pid; error_log error.log; events {}\nhttp { ${http} }\n`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], { stdio: 'inherit' });
  return started('nginx', NGINX_PORT, child.pid, () => readFileSync(join(folder, 'error.log'), 'utf8'));
}

/** What `node:http` alone takes for the same: bytes from memory, and no question which. */
const BARE = `
const { readFileSync } = require('node:fs');
const [port, small, large, listing] = process.argv.slice(1);
const bytes = { small: readFileSync(small), large: readFileSync(large), listing: readFileSync(listing) };
require('node:http').createServer((request, response) => {
  const body = request.url === '/large' ? bytes.large : request.url === '/listing/' ? bytes.listing : bytes.small;
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length }).end(body);
}).listen(Number(port), '127.0.0.1');
`;

/** `node:http` with nothing above it. */
export function startBare(folder: string): MeasuredServer {
  const files = ['many/0', 'large', 'listing/index.html'].map((name) => join(folder, 'site', name));
  const child = spawn(process.execPath, ['-e', BARE, String(BARE_PORT), ...files], { stdio: 'inherit' });
  return started('node:http', BARE_PORT, child.pid, () => '');
}

function started(name: string, port: number, pid: number | undefined, said: () => string): MeasuredServer {
  const url = `http://127.0.0.1:${port}/`;
  for (let tries = 0; spawnSync('curl', ['-sf', '-o', '/dev/null', `${url}large`]).status !== 0; tries++) {
    if (tries === 100 || pid === undefined) throw new Error(`bench: ${name} does not start: ${said()}`);
    spawnSync('sleep', ['0.05']);
  }
  return { name, url, pid: pid ?? 0 };
}
