import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { octetsFromText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { readBlockRange } from '../../../core/block/read-range.ts';
import { EdgeScanner } from '../../../core/blockify/edge-scanner.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { readCheckpoint } from '../../../core/follow/checkpoint.ts';
import { Follower } from '../../../core/follow/follower.ts';
import { localPattern } from '../../../core/follow/local-pattern.ts';
import { TailGroup } from '../../../core/follow/tail-group.ts';
import { openOwn } from '../../../core/follow/tailed-file.ts';
import { watchPaths } from '../../../core/monitor/folder-monitor.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeScratch } from '../../support/scratch.ts';

const TARGET = '/app.log' as TreePath;

/** What outlives a process: the Store, the recorded roots, the checkpoint. */
class World {
  readonly store = new MemoryStore();
  readonly roots: DirDirent[] = [];
  readonly checkpointPath: string;
  readonly path: string;
  readonly steps: string[] = [];
  /** The step at which the process is killed. */
  killAt: string | undefined;
  now = new Date('2026-11-22T12:00:00Z');

  constructor(folder: string) {
    this.path = `${folder}/app.log`;
    this.checkpointPath = `${folder}/state/tail.json`;
  }

  #step(name: string): void {
    this.steps.push(name);
    if (this.killAt === name) throw new Error('killed');
  }

  /** A process that follows the file for a round. @returns whether it was killed */
  async process(): Promise<boolean> {
    const tree = openLiveTree(this.store, this.roots.at(-1));
    const group = new TailGroup({
      store: this.store,
      tree,
      scanner: new EdgeScanner(this.store.edges),
      patterns: [localPattern(octetsFromText(this.path))],
      target: TARGET,
      intoDir: false,
      dirMeta: () => ({}),
      opener: openOwn,
      parser: undefined,
      owners: systemOwnerNames(),
      monotonicMs: () => performance.now(),
      onNotice: (notice) => assert.fail(notice),
    });
    const checkpoint = readCheckpoint(this.checkpointPath);
    if (checkpoint !== undefined) await group.restore(checkpoint, {});
    const bind = group.bind.bind(group);
    group.bind = async (options) => {
      // By now the checkpoint is written: it says so itself.
      this.steps.push(existsSync(this.checkpointPath) ? 'checkpoint' : 'no checkpoint');
      this.#step('bind');
      await bind(options);
    };
    const follower = new Follower({
      store: {
        name: 'memory',
        flush: async () => {
          await Promise.resolve();
          this.#step('flush');
        },
      },
      followed: group,
      sync: async () => {
        this.#step('sync');
        const root = await tree.sync();
        assert.ok(root.kind === 'dir');
        this.roots.push(root);
        return formatDirent(root);
      },
      checkpointPath: this.checkpointPath,
      round: checkpoint?.round ?? 0,
      onStatus: () => {},
      identity: { store: 'memory', archive: 'default', what: this.path, target: TARGET, pid: process.pid },
      everyMs: 1e6,
      clock: () => this.now,
      monotonicMs: () => performance.now(),
      onNotice: (notice) => assert.fail(notice),
      onEnd: () => {},
    });
    try {
      await follower.start(new AbortController().signal);
      await follower.abandon();
      return false;
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'killed') throw error;
      await follower.abandon();
      return true;
    }
  }

  async content(): Promise<string> {
    const tree = openLiveTree(this.store, this.roots.at(-1));
    const entry = await tree.lookup(TARGET);
    assert.ok(entry?.dirent.kind === 'file');
    const parts: Buffer[] = [];
    for await (const octets of readBlockRange(this.store, entry.dirent.block)) parts.push(Buffer.from(octets));
    return Buffer.concat(parts).toString();
  }
}

describe('rounds', () => {
  it('Blocks are durable, then the checkpoint, then the tree and its root', async (t) => {
    const world = new World(makeScratch(t).folder);
    writeFileSync(world.path, 'text\n');
    assert.equal(await world.process(), false);
    assert.deepEqual(world.steps, ['flush', 'checkpoint', 'bind', 'sync']);
  });

  for (const killAt of ['flush', 'bind', 'sync']) {
    it(`killed before ${killAt}: the next process has all, once, though the file is written and rotated meanwhile`, async (t) => {
      const world = new World(makeScratch(t).folder);
      let written = '';
      const write = (text: string): void => {
        appendFileSync(world.path, text);
        written += text;
      };
      write('at first\n'.repeat(2000));
      await world.process();
      for (let round = 0; round < 5; round++) {
        write(`${round}\n`.repeat(round * 300));
        world.killAt = killAt;
        write('before the kill\n');
        assert.equal(await world.process(), true);
        write('after the kill\n');
        world.killAt = undefined;
        if (round % 2 === 0) assert.equal(await world.process(), false);
        else {
          world.killAt = killAt;
          await world.process();
          world.killAt = undefined;
          await world.process();
        }
        assert.equal(await world.content(), written, `round ${round}`);
      }
      assert.equal(written, readFileSync(world.path, 'utf8'));
    });
  }

  it('a clock that jumps back, or years ahead, changes nothing', async (t) => {
    const world = new World(makeScratch(t).folder);
    for (const now of ['2026-11-22T12:00:00Z', '1970-01-01T00:00:01Z', '2093-01-01T00:00:00Z', '2026-11-22T12:00:02Z']) {
      world.now = new Date(now);
      appendFileSync(world.path, `${now}\n`);
      await world.process();
      assert.equal(await world.content(), readFileSync(world.path, 'utf8'));
      assert.equal(readCheckpoint(world.checkpointPath)?.when, new Date(now).toISOString());
    }
  });

  it('nobody listens any more where changes come faster than they can be heard of', async (t) => {
    const { folder } = makeScratch(t);
    const names = ['a', 'b'].map((name) => `${folder}/${name}`);
    for (const name of names) writeFileSync(name, '');
    let flooded = (): void => {};
    const flood = new Promise<void>((resolve) => {
      flooded = resolve;
    });
    await using monitor = await watchPaths([octetsFromText(folder)], {
      deep: false,
      concerns: () => true,
      onChange: () => {},
      onMissed: () => {},
      onError: (error) => assert.fail(String(error)),
      onFlood: () => flooded(),
    });
    await monitor.ready;
    // Changes of one file that nobody has heard of yet are one.
    for (let i = 0; i < 5000; i++) for (const name of names) appendFileSync(name, 'x');
    await flood;
  });

  it('a damaged checkpoint is told of with what to do, and never guessed at', async (t) => {
    const world = new World(makeScratch(t).folder);
    writeFileSync(world.path, 'text\n');
    await world.process();
    writeFileSync(world.checkpointPath, readFileSync(world.checkpointPath).subarray(0, 40));
    await assert.rejects(world.process(), { code: 'EFAILED', remedy: /remove it/ });
  });
});
