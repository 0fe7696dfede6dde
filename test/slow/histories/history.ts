import assert from 'node:assert/strict';
import type { Random } from '../../support/random.ts';
import { Machine } from './machine.ts';
import type { ModelFiles, ModelState, Side } from './model.ts';
import { bestCommon, filesText, mergeFiles, relationOf } from './model.ts';

const PATHS = ['/a', '/b', '/d/a', '/d/b', '/d/e/a', '/g/a'] as const;
const MODES = ['600', '640', '644', '664'] as const;
const MAX_STEPS = 24;

interface Member {
  readonly machine: Machine;
  head: ModelState;
  /** The states that have a line there, oldest first; and those that were made there. */
  readonly lines: ModelState[];
  readonly made: Set<number>;
  /** What has a tree there: lines, and what was merged. */
  readonly known: Set<number>;
  /** What lines that were made elsewhere name as merged. Its tree may be there, as one with equal Blocks or copied by an exchange. */
  readonly named: Set<number>;
}

/** One history: steps on random Stores, each compared with the model, and a full exchange at the end. */
export class History {
  readonly told: string[] = [];
  readonly kinds: string[] = [];
  readonly size: number;
  readonly #random: Random;
  readonly #members: readonly Member[];
  readonly #states = new Map<number, ModelState>();
  readonly #contents = new Set<string>();
  /** What is renamed is merged with more than the model knows: then only the result is looked at. */
  readonly #renames: boolean;
  #count = 0;
  #nowMs = Date.UTC(2026, 0, 1);

  constructor(folder: string, random: Random) {
    this.#random = random;
    this.size = 2 + random.below(3);
    this.#renames = random.chance(40);
    const empty: ModelState = { id: 0, files: new Map(), upTo: new Set() };
    const now = (): Date => {
      this.#nowMs += 1000;
      return new Date(this.#nowMs);
    };
    this.#members = Array.from({ length: this.size }, (_, i) => ({
      machine: new Machine(folder, `m${i}`, now),
      head: empty,
      lines: [],
      made: new Set<number>(),
      known: new Set<number>(),
      named: new Set<number>(),
    }));
  }

  async run(): Promise<void> {
    const [first, ...others] = this.#members;
    assert.ok(first !== undefined);
    for (let i = 0; i < 3; i++) await this.#edit(first);
    for (const other of others) await this.#exchange(other, first, 'pull');
    for (let i = 0; i < MAX_STEPS; i++) await this.#step(this.#pick(this.#members));
    await this.#exchangeAll();
    await this.#nothingLost();
  }

  async #step(member: Member): Promise<void> {
    const other = this.#pick(this.#members.filter((one) => one !== member));
    const roll = this.#random.below(100);
    if (roll < 45) await this.#edit(member);
    else if (roll < 70) await this.#merge(member, other);
    else if (roll < 80) await this.#exchange(member, other, this.#random.chance(50) ? 'push' : 'pull');
    else if (roll < 88) await this.#undo(member);
    else if (roll < 94) await this.#breakOff(member, other);
    else await this.#lines(member, 'gc', ['gc --grace 0 --rootless']);
  }

  /** Puts, edits, removes, renames or changes the permissions of a file. */
  async #edit(member: Member): Promise<void> {
    const { files } = member.head;
    const path = this.#pick(PATHS);
    const there = [...files.keys()];
    const roll = this.#random.below(100);
    if (there.length > 0 && roll < 15) return await this.#change(member, 'remove', [`rm -r ${this.#pick(there)}`]);
    if (there.length > 0 && roll < 30) return await this.#change(member, 'chmod', [`chmod ${this.#pick(MODES)} ${this.#pick(there)}`]);
    if (this.#renames && there.length > 0 && roll < 50)
      return await this.#change(member, 'rename', [`mv ${this.#pick([...there, ...there.map(topOf)])} /${this.#unique('moved')}`]);
    const content = this.#unique('content');
    await this.#change(member, files.has(path) ? 'edit' : 'put', [
      `mkdir -p ${path.slice(0, path.lastIndexOf('/')) || '/'}`,
      `put ${member.machine.local(content)} ${path}`,
    ]);
  }

  async #change(member: Member, kind: string, lines: readonly string[]): Promise<void> {
    const files = await this.#lines(member, kind, lines);
    if (this.#isNew(member)) this.#record(member, files, [...member.head.upTo]);
    else assert.equal(filesText(files), filesText(member.head.files), `${lines.join('; ')}: no state was recorded`);
  }

  /** Whether the last run recorded a state. */
  #isNew({ machine, lines }: Member): boolean {
    assert.ok(
      machine.states === lines.length || machine.states === lines.length + 1,
      `${machine.states} states, not ${lines.length} or one more`,
    );
    return machine.states > lines.length;
  }

  async #lines(member: Member, kind: string, lines: readonly string[]): Promise<ModelFiles> {
    const { status, stderr, files } = await member.machine.run(lines);
    this.#tell(`${member.machine.name}: ${lines.join('; ')}`, kind);
    assert.equal(status, 0, `${lines.join('; ')}: ${stderr}`);
    return files;
  }

  async #undo(member: Member): Promise<void> {
    const before = member.lines.at(-2);
    if (before === undefined || member.lines.at(-1) !== member.head) return;
    const files = await this.#lines(member, 'undo', [`undo @${member.lines.length - 1}`]);
    assert.equal(filesText(files), filesText(before.files), 'undo goes back to the state before');
    // It undoes what was made here for the others too; what was merged or pulled is given back.
    if (this.#isNew(member)) this.#record(member, files, [...before.upTo, ...member.made]);
  }

  async #merge(member: Member, other: Member): Promise<void> {
    const took: Side = this.#random.chance(50) ? 'ours' : 'theirs';
    const { head: ours } = member;
    const { head: theirs } = other;
    const relation = relationOf(ours, theirs);
    const line = `merge --conflict=${took} ${other.machine.store}`;
    const { status, stdout, stderr, files } = await member.machine.run([line]);
    const text = stdout.toString();
    this.#tell(`${member.machine.name}: ${line}: ${relation}`, `merge ${relation}`);
    assert.equal(status, 0, `${line}: ${stderr}`);
    const conflicts = [...text.matchAll(/^conflict: (\S+):/gm)].map(([, path = '']) => path);
    if (relation !== 'parted') assert.deepEqual(conflicts, [], `${line}: what has been merged is in conflict`);
    if (relation === 'ahead') {
      assert.equal(filesText(files), filesText(ours.files), `${line}: there was nothing to merge`);
      return;
    }
    if (relation === 'behind') {
      assert.equal(filesText(files), filesText(theirs.files), `${line}: theirs is ahead, and is taken as it is`);
      assert.ok(this.#isNew(member), `${line}: it is recorded`);
      this.#take(member, theirs);
      return;
    }
    const expected = this.#expected(member, other, took);
    if (expected.length > 0 && !this.#renames) {
      const [last] = expected.slice(-1);
      const fits = expected.find(({ text: one }) => one === mergeText(files, conflicts)) ?? last;
      assert.equal(mergeText(files, conflicts), fits?.text, `${line}: compared with state ${fits?.base}: ${text}`);
    } else this.kinds.push('merge that the model has no result for');
    const merged = this.#record(member, files, [...ours.upTo, ...theirs.upTo], theirs.id);
    member.known.add(theirs.id);
    this.told.push(`  state ${merged.id} of ${ours.id} and ${theirs.id}`);
  }

  /**
   * What a merge may come to; nothing where the sides have several best common ancestors. It is compared with the newest that somebody
   * has the tree of. Of one that only lines from elsewhere name, the model cannot tell: then with that, or else with one before it.
   */
  #expected(member: Member, other: Member, took: Side): { readonly base: number; readonly text: string }[] {
    const expected: { readonly base: number; readonly text: string }[] = [];
    const isSure = (id: number): boolean => member.known.has(id) || other.known.has(id);
    const gone = new Set<number>();
    for (;;) {
      const isKnown = (id: number): boolean => isSure(id) || (!gone.has(id) && (member.named.has(id) || other.named.has(id)));
      const [base, second] = bestCommon(this.#states, member.head, other.head, isKnown);
      if (base === undefined) return expected;
      if (second !== undefined) return [];
      const { files, conflicts } = mergeFiles(base.files, member.head.files, other.head.files, took);
      expected.push({ base: base.id, text: mergeText(files, conflicts) });
      if (isSure(base.id)) return expected;
      gone.add(base.id);
    }
  }

  /** A merge that is cancelled somewhere: all of it is done, or nothing. */
  async #breakOff(member: Member, other: Member): Promise<void> {
    const { head: ours } = member;
    const { head: theirs } = other;
    const line = `merge --conflict=ours ${other.machine.store}`;
    const cancel = new AbortController();
    const timer = setTimeout(() => cancel.abort(), this.#random.below(30));
    await member.machine.run([line], cancel.signal);
    clearTimeout(timer);
    const { files } = await member.machine.run([]);
    this.#tell(`${member.machine.name}: ${line}: broken off`, 'merge broken off');
    if (filesText(files) !== filesText(ours.files)) this.kinds.push('merge done before it was broken off');
    const again = await member.machine.run([line]);
    assert.equal(again.status, 0, again.stderr);
    if (relationOf(ours, theirs) === 'ahead') return;
    if (relationOf(ours, theirs) === 'behind') return this.#take(member, theirs);
    this.#record(member, again.files, [...ours.upTo, ...theirs.upTo], theirs.id);
    member.known.add(theirs.id);
  }

  async #exchange(member: Member, other: Member, direction: 'push' | 'pull'): Promise<void> {
    const [from, to] = direction === 'push' ? [member, other] : [other, member];
    const isAllowed = to.head.id === 0 || from.head.upTo.has(to.head.id);
    const line = `${direction} -p ${other.machine.store}${direction === 'push' ? ' --create' : ''}`;
    const { status, stderr } = await member.machine.run([line]);
    this.#tell(`${member.machine.name}: ${line}: ${status}`, direction);
    const isNothing = to.head.upTo.has(from.head.id);
    const isEqual = filesText(from.head.files) === filesText(to.head.files);
    if (isAllowed || isNothing) assert.equal(status, 0, `${line}: ${stderr}`);
    else if (!isEqual) assert.equal(status, 1, `${line}: it drops state ${to.head.id}`);
    if (this.#isNew(to)) {
      assert.ok(isAllowed && !isNothing, `${line}: a state was recorded that drops state ${to.head.id}`);
      this.#take(to, from.head);
    }
  }

  async #exchangeAll(): Promise<void> {
    const [hub, ...others] = this.#members;
    assert.ok(hub !== undefined);
    for (const other of others) await this.#merge(hub, other);
    // Who took an undo has given back what that undid, though others may have it of their own: it is merged once more.
    for (let round = 1; round < others.length; round++)
      for (const other of others) if (relationOf(hub.head, other.head) !== 'ahead') await this.#merge(hub, other);
    for (const other of others) await this.#merge(other, hub);
    for (const member of others) {
      const { files } = await member.machine.run([]);
      assert.equal(filesText(files), filesText(hub.head.files), `${member.machine.name} and m0 after a full exchange`);
      for (const [one, two] of [
        [hub, member],
        [member, hub],
      ] as const)
        assert.equal(relationOf(one.head, two.head), 'ahead');
      await this.#merge(hub, member);
    }
  }

  async #nothingLost(): Promise<void> {
    const found = new Set<string>();
    for (const { machine } of this.#members)
      for (const files of await machine.recorded()) for (const { content } of files.values()) found.add(content);
    assert.deepEqual(
      [...this.#contents].filter((content) => !found.has(content)),
      [],
      'contents that were recorded',
    );
  }

  #record(member: Member, files: ModelFiles, before: readonly number[], merged?: number): ModelState {
    const id = ++this.#count;
    const state: ModelState = { id, files, upTo: new Set([...before, id]), merged };
    this.#states.set(id, state);
    member.made.add(id);
    this.#take(member, state);
    for (const { content } of files.values()) this.#contents.add(content);
    return state;
  }

  #take(member: Member, state: ModelState): void {
    member.head = state;
    member.lines.push(state);
    member.known.add(state.id);
    if (state.merged !== undefined) member.named.add(state.merged);
  }

  #tell(line: string, kind: string): void {
    this.told.push(line);
    this.kinds.push(kind);
  }

  #unique(prefix: string): string {
    return `${prefix}-${this.#random.below(1_000_000)}-${this.#nowMs}`;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T;
  }
}

/** The result of a merge, to compare. */
function mergeText(files: ModelFiles, conflicts: readonly string[]): string {
  return `${filesText(files)}in conflict: ${[...conflicts].sort().join(' ')}`;
}

/** The first Dir or file of a path. */
function topOf(path: string): string {
  return `/${path.split('/')[1] ?? ''}`;
}
