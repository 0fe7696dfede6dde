import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EMPTY_HASH, signedHeaders } from '../../../core/s3/sign-request.ts';
import { isInstalled } from '../needed-programs.ts';
import { run } from '../program.ts';
import type { S3Service } from './s3-stores.ts';

/** Where Ceph's packages were unpacked, where they are not installed: `VTFTP_CEPH_ROOT`. */
const ROOT = process.env['VTFTP_CEPH_ROOT'];
/** Milliseconds in which Ceph has to be there; it takes some 10 s. */
const START_MS = 120_000;
const LOOK_AGAIN_MS = 200;
const LIBRARIES = '/usr/lib/x86_64-linux-gnu';

interface CephSettings {
  readonly port: number;
  /** The address of the monitor. */
  readonly monitor: string;
  readonly gib: number;
}

/** Why Ceph cannot run here; undefined where it can. */
export function noCeph(): string | undefined {
  if (process.getuid?.() !== 0) return 'Ceph is started as root alone';
  const programs = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
  const missing = programs.filter((program) => !isInstalled(program, pathOf()));
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
}

function pathOf(): string {
  return ROOT === undefined ? (process.env['PATH'] ?? '') : `${join(ROOT, 'usr/bin')}:${process.env['PATH']}`;
}

/**
 * One Ceph cluster of a test's own: a monitor, a store of objects in a file, and the gateway that speaks S3 on a port of this machine,
 * with an empty bucket `tests`. Nothing of it is left behind.
 */
export class Ceph implements AsyncDisposable {
  readonly service: S3Service;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #processes: ChildProcess[] = [];

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.service = { endpoint: `http://127.0.0.1:${port}`, accessKeyId: 'vtftp', secretAccessKey: 'vtftp-secret' };
    const env: Record<string, string> = { CEPH_CONF: join(folder, 'ceph.conf'), PATH: pathOf() };
    if (ROOT !== undefined) {
      const libraries = join(ROOT, LIBRARIES);
      env['LD_LIBRARY_PATH'] = `${libraries}:${join(libraries, 'ceph')}`;
      env['PYTHONPATH'] = join(ROOT, 'usr/lib/python3/dist-packages');
    }
    this.#env = env;
  }

  /**
   * @param gib - what it has room for
   * @throws where it is not there in two minutes, with what it printed last
   */
  static async start(gib = 4): Promise<Ceph> {
    const [port, monPort, monPort1] = await freePorts(3);
    const ceph = new Ceph(mkdtempSync(join(tmpdir(), 'vtftp-ceph-')), port ?? 0);
    const signal = AbortSignal.timeout(START_MS);
    try {
      await ceph.#start({ port: port ?? 0, monitor: `[v2:127.0.0.1:${monPort},v1:127.0.0.1:${monPort1}]`, gib }, signal);
      return ceph;
    } catch (error) {
      const printed = ['mon', 'osd', 'rgw'].map((name) => ceph.#printed(name)).join('');
      await ceph[Symbol.asyncDispose]();
      throw new Error(`start Ceph: ${String(error)}\n${printed}`, { cause: error });
    }
  }

  async #start(set: CephSettings, signal: AbortSignal): Promise<void> {
    const fsid = randomUUID();
    const osd = randomUUID();
    for (const name of ['mon', 'osd', 'rgw']) mkdirSync(join(this.#folder, name));
    writeFileSync(join(this.#folder, 'ceph.conf'), configuration(this.#folder, fsid, set));
    const map = join(this.#folder, 'monmap');
    await this.#run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', set.monitor, map]);
    await this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map]);
    this.#daemon('mon', 'ceph-mon', ['-f', '-i', 'a']);
    await this.#until(['mon', 'stat'], '', signal);
    await this.#run('ceph', ['osd', 'new', osd]);
    await this.#run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osd]);
    this.#daemon('osd', 'ceph-osd', ['-f', '-i', '0']);
    await this.#until(['osd', 'stat'], ' 1 up', signal);
    this.#daemon('rgw', 'radosgw', ['-f', '-n', 'client.rgw']);
    const { accessKeyId, secretAccessKey, endpoint } = this.service;
    for (; ; await pause(LOOK_AGAIN_MS, undefined, { signal }))
      if (
        await fetch(endpoint, { signal }).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
    const user = ['--uid', 'vtftp', '--display-name', 'vtftp', '--access-key', accessKeyId, '--secret-key', secretAccessKey];
    await this.#run('radosgw-admin', ['user', 'create', ...user]);
  }

  /** Makes a request of its owner. @param headers - `x-amz-*` @returns the answer, whatever its status */
  async ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const url = new URL(path, this.service.endpoint);
    const signed = signedHeaders({ method, url, region: 'us-east-1', bodyHash: EMPTY_HASH, now: new Date(), headers }, this.service);
    return await (await fetch(url, { method, headers: signed })).text();
  }

  /** Asks the cluster until its answer has a text. */
  async #until(question: readonly string[], text: string, signal: AbortSignal): Promise<void> {
    for (; ; await pause(LOOK_AGAIN_MS, undefined, { signal })) {
      const { status, stdout } = await run('ceph', ['--connect-timeout', '5', ...question], { env: this.#env });
      if (status === 0 && stdout.includes(text)) return;
    }
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const { status, report } = await run(program, args, { env: this.#env });
    if (status !== 0) throw new Error(report);
  }

  #daemon(name: string, program: string, args: readonly string[]): void {
    const log = openSync(join(this.#folder, `${name}.out`), 'w');
    this.#processes.push(spawn(program, args, { env: { ...process.env, ...this.#env }, stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  #printed(name: string): string {
    const path = join(this.#folder, `${name}.out`);
    return existsSync(path) ? `--- ${name}\n${readFileSync(path, 'utf8').slice(-1500)}\n` : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const ended = once(child, 'exit');
      // What it has is thrown away.
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configuration(folder: string, fsid: string, { port, monitor, gib }: CephSettings): string {
  const plugins =
    ROOT === undefined
      ? ''
      : `plugin_dir = ${join(ROOT, LIBRARIES, 'ceph')}\nosd_class_dir = ${join(ROOT, LIBRARIES, 'rados-classes')}\nerasure_code_dir = ${join(ROOT, LIBRARIES, 'ceph/erasure-code')}\n`;
  return `[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = ${monitor}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
${plugins}run_dir = ${folder}
pid_file = ${folder}/$type.$id.pid
admin_socket = ${folder}/$name.asok
log_file = ${folder}/$name.log
crash_dir = ${folder}
mon_data = ${folder}/mon
osd_data = ${folder}/osd
rgw_data = ${folder}/rgw
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_osd_full_ratio = 0.99
mon_osd_nearfull_ratio = 0.97
mon_osd_backfillfull_ratio = 0.98
osd_memory_target = 939524096
bluestore_block_size = ${gib * 2 ** 30}
bluestore_block_create = true
bluestore_block_db_create = false
bluestore_block_wal_create = false
ms_mon_client_mode = crc secure
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
debug_ms = 0
debug_mon = 0
debug_osd = 0
debug_rgw = 0
debug_bluestore = 0
debug_rocksdb = 0
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_dns_name = localhost
`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(async (server) => await once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}
