import assert from 'node:assert/strict';
import type { Random } from '../../support/random.ts';
import { Machine } from './machine.ts';
import type { ModelFiles } from './model.ts';
import { filesText } from './model.ts';

const STEPS = 16;
const HASHES = ['sha1', 'sha256', 'blake3', 'sha3-256'] as const;
/** What the other machine writes to, and this one only reads. */
const THEIRS = '/theirs';

/** A recorded state, by a name that was once printed for it. */
interface NamedState {
  readonly dirref: string;
  readonly files: ModelFiles;
}

/** A line of the archive. */
interface Line {
  readonly state: NamedState;
  tag: string | undefined;
}

/**
 * One Store through all that can befall its states: changes, merges with another machine, tags, undo, redo, forget, gc and transition. After each
 * step the archive must have the states of a model, and each Dirref that was printed must open, unless its state was forgotten.
 */
export class StateStory {
  readonly told: string[] = [];
  readonly kinds: string[] = [];
  readonly #random: Random;
  readonly #machine: Machine;
  readonly #other: Machine;
  #files: Map<string, string> = new Map();
  /** Names of hard links: what is written through one of them is not modelled. */
  readonly #linked = new Set<string>();
  #lines: Line[] = [];
  /** The line before the newest, where that was a change and undo goes back to it. */
  #before: Line | undefined;
  #named: NamedState[] = [];
  /** The state at which the machines met last; and whether a transition has cut the way there, since that state was forgotten before. */
  #met: Line | undefined;
  #isCut = false;
  #hash = 'sha3-256';
  #count = 0;
  #nowMs = Date.UTC(2026, 0, 1);

  constructor(folder: string, random: Random) {
    this.#random = random;
    const now = (): Date => {
      this.#nowMs += 1000;
      return new Date(this.#nowMs);
    };
    this.#machine = new Machine(folder, 'store', now);
    this.#other = new Machine(folder, 'other', now);
  }

  async run(): Promise<void> {
    await this.#change([`mkdir /d ${THEIRS}`, ...this.#put('/d/a'), ...this.#put(`${THEIRS}/a`)]);
    await this.#on(this.#other, [`pull -p ${this.#machine.store}`]);
    this.#met = this.#lines.at(-1);
    for (let i = 0; i < STEPS; i++) await this.#step();
    await this.#on(this.#machine, ['gc --grace 0', 'fsck', 'scrub']);
    await this.#check();
  }

  async #step(): Promise<void> {
    const roll = this.#random.below(100);
    if (roll < 45) await this.#edit();
    else if (roll < 57) await this.#merge();
    else if (roll < 65) await this.#tag();
    else if (roll < 77) await this.#undo();
    else if (roll < 84) await this.#forget();
    else if (roll < 92) await this.#on(this.#machine, ['gc --grace 0']);
    else await this.#transition();
    await this.#check();
  }

  async #edit(): Promise<void> {
    const mine = [...this.#files.keys()].filter((path) => !path.startsWith(THEIRS));
    const dirs = ['/d', ...new Set(mine.map((path) => path.slice(0, path.lastIndexOf('/'))).filter((dir) => dir !== ''))];
    const dir = this.#pick(dirs);
    const fresh = (into: string): string => `${into}/n${++this.#count}`;
    const roll = this.#random.below(100);
    if (mine.length === 0 || roll < 30) return await this.#change([`mkdir -p ${dir}`, ...this.#put(fresh(dir))]);
    const from = this.#random.chance(50) ? this.#pick(mine) : this.#pick(mine.map((path) => `/${path.split('/')[1] ?? ''}`));
    if (roll < 45) return await this.#change([`rm -r ${from}`], () => this.#move(from, undefined));
    const to = fresh(this.#random.chance(50) || dir === from || dir.startsWith(`${from}/`) ? '' : dir);
    const ready = to.lastIndexOf('/') === 0 ? [] : [`mkdir -p ${dir}`];
    if (roll < 60) return await this.#change([...ready, `mv ${from} ${to}`], () => this.#move(from, to));
    if (roll < 80) {
      const copied = this.#random.chance(20) ? THEIRS : from;
      return await this.#change([...ready, `cp -r ${copied} ${to}`], () => this.#copy(copied, to));
    }
    const file = this.#pick(mine);
    await this.#change([...ready, `ln ${file} ${to}`], () => {
      this.#files.set(to, this.#files.get(file) ?? '');
      for (const path of [file, to]) this.#linked.add(path);
    });
    if (this.#random.chance(50)) {
      const single = mine.find((path) => !this.#linked.has(path));
      if (single !== undefined) await this.#change(this.#put(single));
    }
  }

  /** A line that puts a new content, which the model then has. */
  #put(path: string): string[] {
    const content = `content ${++this.#count}`;
    this.#files.set(path, content);
    return [`put ${this.#machine.local(content, `local-${this.#count}`)} ${path}`];
  }

  #copy(from: string, to: string): void {
    for (const [path, content] of [...this.#files])
      if (path === from || path.startsWith(`${from}/`)) {
        this.#files.set(to + path.slice(from.length), content);
        if (this.#linked.has(path)) this.#linked.add(to + path.slice(from.length));
      }
  }

  #move(from: string, to: string | undefined): void {
    if (to !== undefined) this.#copy(from, to);
    for (const path of [...this.#files.keys()]) if (path === from || path.startsWith(`${from}/`)) this.#files.delete(path);
  }

  /** A change here, which records a state. */
  async #change(lines: readonly string[], toModel: () => void = () => {}): Promise<void> {
    toModel();
    await this.#record(lines);
  }

  /** The other machine writes something, and its state is merged: names of its own, so nothing is in conflict. */
  async #merge(): Promise<void> {
    const path = `${THEIRS}/t${++this.#count}`;
    const content = `theirs ${this.#count}`;
    await this.#on(this.#other, [`mkdir -p ${THEIRS}`, `put ${this.#other.local(content)} ${path}`]);
    const { files } = await this.#other.run([]);
    for (const [name, file] of files) if (name.startsWith(THEIRS)) this.#files.set(name, file.content);
    // Without a base, a file that was changed here since they met is a conflict: the other machine has what it was before.
    const choice = this.#isCut ? '--conflict=ours ' : '';
    await this.#record([`merge ${choice}${this.#other.store}`], this.#isCut ? 'more' : 'equal');
    this.#met = this.#lines.at(-1);
    this.#isCut = false;
  }

  async #tag(): Promise<void> {
    const number = this.#random.below(this.#lines.length);
    const line = this.#lines[number];
    if (line === undefined) return;
    line.tag = `tag${++this.#count}`;
    await this.#on(this.#machine, [`tag @${number + 1} ${line.tag}`]);
  }

  /** Undo of the last change and mostly redo, or undo to a state by its number. Each records a state. */
  async #undo(): Promise<void> {
    const present = this.#lines.at(-1);
    const before = this.#before;
    if (before !== undefined && present !== undefined && this.#random.chance(50)) {
      await this.#record(['undo'], before.state);
      if (this.#random.chance(60)) await this.#record(['redo'], present.state);
    } else {
      const number = this.#random.below(this.#lines.length);
      const line = this.#lines[number];
      if (line === undefined || filesText(line.state.files) === filesText(present?.state.files ?? new Map())) return;
      await this.#record([`undo @${number + 1}`], line.state);
    }
    this.#before = undefined;
  }

  async #forget(): Promise<void> {
    this.#before = undefined;
    const last = 1 + this.#random.below(4);
    const tag = this.#lines.findLast((line) => line.tag !== undefined)?.tag;
    await this.#on(this.#machine, [`forget --keep-last ${last}${tag === undefined ? '' : ` --keep-tag ${tag}`}`]);
    this.#lines = this.#lines.filter((line, i) => i >= this.#lines.length - last || (tag !== undefined && line.tag === tag));
    const kept = new Set(this.#lines.map(({ state }) => state.dirref));
    this.#named = this.#named.filter(({ dirref }) => kept.has(dirref));
  }

  async #transition(): Promise<void> {
    const hash = this.#pick(HASHES.filter((name) => name !== this.#hash));
    this.#hash = hash;
    // Ids of states contain their roots. A transition converts those of states that it has; a merge then finds no base, and removes nothing.
    this.#isCut ||= this.#met === undefined || !this.#lines.includes(this.#met);
    await this.#on(this.#machine, [`transition ${hash} --verify`]);
    await this.#on(this.#other, [`transition ${hash}`]);
  }

  /** Runs lines that record a state. @param then - what the tree equals: the model, the model and what it removed, or a state */
  async #record(lines: readonly string[], then: 'equal' | 'more' | NamedState = 'equal'): Promise<void> {
    const { files, dirref } = await this.#on(this.#machine, lines);
    const what = lines.join('; ');
    if (then === 'equal') assert.equal(contentsText(files), mapText(this.#files), `${what}: the tree`);
    else if (then === 'more')
      for (const [path, content] of this.#files) assert.equal(files.get(path)?.content, content, `${what}: ${path}`);
    else assert.equal(filesText(files), filesText(then.files), `${what}: the tree`);
    this.#files = new Map([...files].map(([path, { content }]) => [path, content]));
    assert.ok(dirref !== undefined, `${what}: a Dirref is printed`);
    const state = { dirref, files };
    this.#before = this.#lines.at(-1);
    this.#lines.push({ state, tag: undefined });
    this.#named.push(state);
  }

  /** The archive has the states of the model; each name and each tag means its state. */
  async #check(): Promise<void> {
    const recorded = await this.#machine.recorded();
    assert.deepEqual(
      recorded.map(filesText),
      this.#lines.map(({ state }) => filesText(state.files)),
      'the recorded states',
    );
    for (const { dirref, files } of this.#named) {
      const opened = await this.#machine.opened(dirref);
      assert.equal(filesText(opened), filesText(files), `the state of ${dirref}`);
    }
    for (const { tag, state } of this.#lines)
      if (tag !== undefined)
        assert.equal(filesText(await this.#machine.opened(`${this.#machine.store}@${tag}`)), filesText(state.files), `the state of ${tag}`);
  }

  async #on(machine: Machine, lines: readonly string[]): ReturnType<Machine['run']> {
    this.told.push(`${machine.name}: ${lines.join('; ')}`);
    this.kinds.push(...lines.slice(-1).map((line) => line.split(' ')[0] ?? ''));
    const end = await machine.run(lines);
    assert.equal(end.status, 0, `${lines.join('; ')}: ${end.stderr}`);
    return end;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T;
  }
}

function mapText(files: ReadonlyMap<string, string>): string {
  return [...files]
    .map(([path, content]) => `${path}: ${content}\n`)
    .sort()
    .join('');
}

function contentsText(files: ModelFiles): string {
  return mapText(new Map([...files].map(([path, { content }]) => [path, content])));
}
