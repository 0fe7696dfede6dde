import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PROJECT_ROOT } from '../project.ts';
import type { Scratch } from '../scratch.ts';

/** A program that keeps answers of a server, with the configuration of the documentation. */
export interface HttpCache {
  readonly name: string;
  /** Its program, and the package of Debian. */
  readonly program: string;
  readonly packageName: string;
  /** Writes its configuration. @returns the command line */
  readonly configure: (folder: string, port: number, origin: string) => readonly string[];
}

const TEMP_FOLDERS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** @param recipe - of the documentation */
function nginx(recipe: string): HttpCache {
  return {
    name: 'nginx',
    program: 'nginx',
    packageName: 'nginx-light',
    configure(folder, port, origin) {
      for (const name of ['cache', 'logs', 'temp']) mkdirSync(join(folder, name));
      const http = recipeOf(recipe, { 'listen 80;': `listen 127.0.0.1:${port};`, '127.0.0.1:8080': origin });
      const temp = TEMP_FOLDERS.map((name) => `${name}_temp_path temp/${name};`).join('\n');
      const head = 'user root;\ndaemon off;\nmaster_process off;\npid nginx.pid;\nerror_log logs/error.log;\nevents {}\n';
      writeFileSync(join(folder, 'nginx.conf'), `${head}http {\naccess_log off;\n${temp}\n${http}}\n`);
      return ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'logs/error.log')];
    },
  };
}

/** @param recipe - of the documentation */
function varnish(recipe: string): HttpCache {
  return {
    name: 'Varnish',
    program: 'varnishd',
    packageName: 'varnish',
    configure(folder, port, origin) {
      const [, originPort = ''] = origin.split(':');
      const path = join(folder, recipe);
      writeFileSync(path, recipeOf(recipe, { '"8080"': `"${originPort}"` }));
      return ['varnishd', '-F', '-j', 'none', '-n', join(folder, 'work'), '-a', `127.0.0.1:${port}`, '-f', path, '-s', 'malloc,64m'];
    },
  };
}

/** Before `httpd`. */
export const HTTP_CACHES: readonly HttpCache[] = [
  nginx('nginx.conf'),
  varnish('vtftp.vcl'),
  {
    name: 'Squid',
    program: 'squid',
    packageName: 'squid',
    configure(folder, port, origin) {
      const [, originPort = ''] = origin.split(':');
      const recipe = recipeOf('squid.conf', { 'http_port 80': `http_port 127.0.0.1:${port}`, 'parent 8080': `parent ${originPort}` });
      writeFileSync(join(folder, 'mime.conf'), '');
      const own = [
        'pid_filename none',
        'access_log none',
        'cache_log /dev/null',
        'netdb_filename none',
        `mime_table ${folder}/mime.conf`,
        'unlinkd_program /bin/true',
        `visible_hostname localhost`,
      ];
      writeFileSync(join(folder, 'squid.conf'), `${recipe}\n${own.join('\n')}\nshutdown_lifetime 0 seconds\n`);
      return ['squid', '-N', '-f', join(folder, 'squid.conf')];
    },
  },
];

/** Before a public bucket of packs. */
export const PACK_CACHES: readonly HttpCache[] = [nginx('packs.conf'), varnish('packs.vcl')];

/** A block of the documentation, with some of its words changed. */
function recipeOf(file: string, changes: Readonly<Record<string, string>>): string {
  const docs = readFileSync(join(PROJECT_ROOT, 'docs/http-caches.md'), 'utf8');
  let text = new RegExp(`<!-- file: ${file.replace('.', '\\.')} -->\\n\`\`\`\\w*\\n([\\s\\S]*?)\`\`\``).exec(docs)?.[1] ?? '';
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`docs/http-caches.md: no "${from}" in ${file}`);
    text = text.replace(from, to);
  }
  return text;
}

/** Runs a cache before a server on this machine. @param origin - `127.0.0.1:PORT` @returns its URL, with a slash at its end */
export async function cacheBefore(scratch: Scratch, { name, configure }: HttpCache, origin: string): Promise<string> {
  const folder = scratch.mkdir(name);
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const [program = '', ...args] = configure(folder, port, origin);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  scratch.beforeRemoval(async () => {
    // By this they end what they have started.
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  // None of them says when it listens.
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (isUp) return `http://127.0.0.1:${port}/`;
    if (tries === 600 || child.exitCode !== null) throw new Error(`${name} does not start: ${said}`);
    await pause(100);
  }
}
