import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { signedHeaders } from '../../core/s3/sign-request.ts';
import { isInstalled } from '../support/needed-programs.ts';
import { Ceph, noCeph } from '../support/s3/ceph.ts';
import type { S3Service } from '../support/s3/s3-stores.ts';
import { keysIn } from '../support/s3/s3-stores.ts';
import { type Cost, measure, median } from './measure.ts';
import { changeSome } from './peer.ts';
import type { Verdict } from './targets.ts';
import { MIB, makeRandomFile, makeTree } from './workloads.ts';

/** Octets of an object of the bare client, as of a pack. */
const OBJECT_SIZE = 16 * MIB;
/** Requests of the bare client at a time. */
const AT_ONCE = 8;
const MANY_AT_ONCE = 32;
/** Objects of one Block each. */
const SMALL_SIZE = 8 * 1024;
const BUCKET = 'bench';

const TABLE: readonly (readonly [row: string, says: string])[] = [
  ['bare put', 'bare client: as many octets in objects of 16 MiB'],
  ['restic', 'restic backup of 1 GiB and 20,000 files'],
  ['push', 'push of them'],
  ['again', 'push with 1 % of the files changed'],
  ['bare get', 'bare client: ranges of 16 MiB'],
  ['pull', 'pull of them'],
  ['bare small', 'bare client: as many objects of 8 KiB as Blocks'],
  ['blocks', 'put of 64 MiB, layout=blocks'],
  ['sealed', 'put of 1 GiB, sealed'],
  ['plain', 'put of 1 GiB'],
];

/** The most time that a row may take, to another. */
const LIMITS: readonly { readonly row: string; readonly to: string; readonly limit: number }[] = [
  { row: 'push', to: 'bare put', limit: 1 / 0.8 },
  { row: 'push', to: 'restic', limit: 1 },
  { row: 'pull', to: 'bare get', limit: 1 / 0.8 },
  { row: 'blocks', to: 'bare small', limit: 1 / 0.9 },
  { row: 'sealed', to: 'plain', limit: 1 / 0.85 },
];

/** Seconds by row, one a round. */
type S3Times = Map<string, number[]>;

/** A Store in a bucket of a Ceph of its own, beside a client that puts and gets objects and does nothing else, and beside restic. */
export async function benchS3(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): Promise<{ readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: S3Times }> {
  const reason = noCeph();
  const times: S3Times = new Map();
  const cpuTimes: S3Times = new Map();
  if (reason !== undefined) return { table: `### s3: a bucket of Ceph\n\nnot measured: ${reason}\n`, verdicts: [], times };
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('large'), { recursive: true });
  makeRandomFile(at('large/random'), Math.ceil(1024 * scale) * MIB);
  makeRandomFile(at('small'), Math.ceil(64 * scale) * MIB, 2);
  makeTree(at('tree'), Math.max(100, Math.round(20_000 * scale)));
  try {
    await using ceph = await Ceph.start(Math.ceil(8 * (rounds + 1) * scale) + 2);
    const client = new BareClient(ceph.service);
    await client.ask('PUT', '');
    client.close();
    const env = { HOME: folder, XDG_CACHE_HOME: at('cache'), XDG_CONFIG_HOME: folder, ...keysIn(ceph.service), RESTIC_PASSWORD: 'x' };
    const vtftp = `"${process.execPath}" "${program}" -q`;
    const run = (line: string): Cost => measure(line, env, folder);
    const note = (row: string, { seconds, cpuSeconds }: BareCost): void => {
      times.set(row, [...(times.get(row) ?? []), seconds]);
      cpuTimes.set(row, [...(cpuTimes.get(row) ?? []), cpuSeconds]);
    };
    run(`${vtftp} -S ./here -c "sealed-key --new key"`);
    for (let round = 0; round < rounds; round++) {
      const store = (name: string, more = ''): string => `s3://${BUCKET}/${name}-${round}?endpoint=${ceph.service.endpoint}${more}`;
      rmSync(at('here'), { recursive: true, force: true });
      run(`${vtftp} -S ./here -c "put large tree /; quit"`);
      const count = Math.max(1, Math.round((1280 * scale * MIB) / OBJECT_SIZE));
      note('bare put', await client.put(`bare-${round}`, count, OBJECT_SIZE, AT_ONCE));
      note('push', run(`${vtftp} -S ./here -c "push --create --peer '${store('push')}'"`));
      if (isInstalled('restic')) {
        const restic = `restic -q -r s3:${ceph.service.endpoint}/${BUCKET}/restic-${round}`;
        run(`${restic} init`);
        note('restic', run(`${restic} backup large tree`));
      }
      changeSome(at('tree'), round);
      run(`${vtftp} -S ./here -c "put tree /; quit"`);
      note('again', run(`${vtftp} -S ./here -c "push --peer '${store('push')}'"`));
      rmSync(at('cache'), { recursive: true, force: true });
      note('bare get', await client.get(`bare-${round}`, count, OBJECT_SIZE, AT_ONCE));
      note('pull', run(`${vtftp} -S ./there-${round} -c "pull --peer '${store('push')}'"`));
      rmSync(at(`there-${round}`), { recursive: true, force: true });
      note('bare small', await client.put(`small-${round}`, Math.ceil((64 * scale * MIB) / SMALL_SIZE), SMALL_SIZE, MANY_AT_ONCE));
      note('blocks', run(`${vtftp} -S '${store('blocks', '&layout=blocks')}' -c "put small; quit"`));
      note('plain', run(`${vtftp} -S '${store('plain')}' -c "put large; quit"`));
      note('sealed', run(`${vtftp} -S 'sealed:${at('key')}:${store('sealed')}' -c "put large; quit"`));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { table: tableOf(times, cpuTimes, scale), verdicts: verdictsOf(times), times };
}

/** What some requests took. */
type BareCost = Pick<Cost, 'seconds' | 'cpuSeconds'>;

/** Signs requests, and does nothing else that is not needed. */
class BareClient {
  readonly #service: S3Service;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MANY_AT_ONCE });

  constructor(service: S3Service) {
    this.#service = service;
  }

  /** What it takes to put objects of random octets. */
  async put(prefix: string, count: number, size: number, atOnce: number): Promise<BareCost> {
    const body = randomBytes(size);
    return await this.#timed(count, atOnce, async (i) => await this.ask('PUT', `${prefix}/${i}`, body));
  }

  /** What it takes to get them. */
  async get(prefix: string, count: number, size: number, atOnce: number): Promise<BareCost> {
    return await this.#timed(count, atOnce, async (i) => await this.ask('GET', `${prefix}/${i}`, undefined, `bytes=0-${size - 1}`));
  }

  async #timed(count: number, atOnce: number, action: (i: number) => Promise<void>): Promise<BareCost> {
    const startMs = performance.now();
    const before = process.cpuUsage();
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) await action(next++);
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    // The service hangs up while other programs are measured.
    this.close();
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - startMs) / 1000, cpuSeconds: (user + system) / 1e6 };
  }

  async ask(method: string, key: string, body?: Uint8Array, range?: string): Promise<void> {
    const url = new URL(`${this.#service.endpoint}/${BUCKET}${key === '' ? '' : '/'}${key}`);
    const bodyHash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const signed = signedHeaders({ method, url, region: 'us-east-1', bodyHash, now: new Date() }, this.#service);
    const headers = { ...signed, 'content-length': String(body?.length ?? 0), ...(range === undefined ? {} : { range }) };
    await new Promise<void>((resolve, reject) => {
      const asked = request(url, { method, agent: this.#agent, headers }, (response) => {
        response.resume().once('end', () => {
          if ((response.statusCode ?? 0) < 300) resolve();
          else reject(new Error(`${method} ${url.href}: ${response.statusCode}`));
        });
      });
      asked.once('error', reject).end(body);
    });
  }

  /** Hangs up; the next request begins anew. */
  close(): void {
    this.#agent.destroy();
  }
}

function tableOf(times: S3Times, cpuTimes: S3Times, scale: number): string {
  const rows = TABLE.map(([row, says]) => {
    const value = median(times.get(row) ?? []);
    const cpu = median(cpuTimes.get(row) ?? []);
    const ratios = LIMITS.filter((limit) => limit.row === row)
      .map(({ to }) => value / median(times.get(to) ?? []))
      .filter(Number.isFinite);
    return `| ${says} | ${textOf(value)} | ${textOf(cpu)} | ${ratios.map((each) => each.toFixed(2)).join(', ')} |`;
  });
  const size = scale === 1 ? '' : `, at 1/${Math.round(1 / scale)} of these sizes`;
  return [`### s3: a bucket of Ceph on this machine${size}`, '', '| | s | of processors | ratio |', '|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

function textOf(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(2) : '–';
}

function verdictsOf(times: S3Times): Verdict[] {
  return LIMITS.flatMap(({ row, to, limit }) => {
    const reached = median(times.get(row) ?? []) / median(times.get(to) ?? []);
    return Number.isFinite(reached) ? [{ part: 's3', what: `${row}, to ${to}`, reached, limit, isReached: reached <= limit }] : [];
  });
}
