import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../../../shell/exit-status.ts';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { Conversation, type Said } from '../../support/shells/conversation.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { NO_ROOT, RecordedNames, type RecordedRoot, sameNames } from './recorded-names.ts';
import { TogetherActor } from './together-actor.ts';

/** Rounds with one Store: archives that grow make undo slower, and each round is as good as another. */
const ROUNDS_A_STORE = 60;
/** What the tail keeps, and what a merge may put beside it. */
const TAILED = /^lg(?:\.|$)/;

/** Two sessions, a tail and a mount on one archive. */
export const togetherTorture: Torture = {
  name: 'together',
  does: 'two sessions, a tail and a mount on one archive: put, mkdir, rm, undo, redo, sync, fsync, follow, gc and SIGKILL at random, two or three at once',
  promise: 'each session shows what the model says; each root is one that its session may record; the roots have everything acknowledged',
  fullRounds: 5000,
  run,
  unable: noMountsHere,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  for (let batch = 0; tally.goesOn; batch++) {
    const folder = join(limits.folder, `batch-${batch}`);
    mkdirSync(join(folder, 'run'), { recursive: true });
    const scene = new Scene(folder, makeRandom(limits.seed + batch), tally);
    try {
      await scene.begin();
      for (let i = 0; i < ROUNDS_A_STORE && tally.goesOn; i++) await scene.round();
      await scene.finish();
    } catch (error) {
      tally.fault(`${error instanceof Error ? error.stack : String(error)}\n${scene.past()}`);
    } finally {
      await scene.leave();
    }
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result();
}

/** A session of the scene with what the model knows of it. */
interface Player {
  readonly actor: TogetherActor;
  session: Conversation;
}

/** What one of them does in a round. */
interface Move {
  readonly player: Player;
  readonly line: string;
  /** How it ended; undefined where it was killed meanwhile. */
  said: Said | undefined;
  readonly isKilled: boolean;
}

class Scene {
  readonly #folder: string;
  readonly #store: string;
  readonly #mnt: string;
  readonly #random: Random;
  readonly #tally: TortureTally;
  readonly #env: Readonly<Record<string, string>>;
  readonly #recorded: RecordedNames;
  readonly #players: Player[] = [];
  readonly #lines: string[] = [];
  #mountPid = 0;
  #tail: Conversation | undefined;
  #logged = '';

  constructor(folder: string, random: Random, tally: TortureTally) {
    this.#folder = folder;
    this.#store = join(folder, 'store');
    this.#mnt = join(folder, 'mnt');
    this.#random = random;
    this.#tally = tally;
    this.#env = { HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run') };
    this.#recorded = new RecordedNames(this.#store, folder);
  }

  /** What was done, for reports. */
  past(): string {
    return this.#lines.slice(-25).join('\n');
  }

  async begin(): Promise<void> {
    writeFileSync(join(this.#folder, 'log'), '');
    await this.#vtftp(['-S', this.#store, '-c', 'mkdir first; quit']);
    await this.#beginTail();
    await this.#mount();
    for (const name of ['A', 'B', 'X']) {
      const player = { actor: new TogetherActor(name), session: await this.#session(name) };
      this.#players.push(player);
      await this.#beginPlayer(player);
    }
  }

  /** Two or three of them do something at once; then all is compared with the model. */
  async round(): Promise<void> {
    const random = this.#random;
    const from = this.#recorded.roots.length;
    const players = [...this.#players].filter(() => random.chance(70));
    const moves = players.map((player) => this.#move(player));
    const others = [
      ...(random.chance(30) ? [this.#log()] : []),
      ...(random.chance(5) ? [this.#vtftp(['-S', this.#store, '-c', 'gc --grace 0 --rootless'])] : []),
      ...(random.chance(2) ? [this.#killTail()] : []),
    ];
    this.#tally.count('rounds');
    await Promise.all([...others, ...moves.map(async (move) => await this.#play(move))]);
    await this.#recorded.update();
    this.#checkRoots(from, moves);
    for (const move of moves) {
      const wrong = await this.#check(move, from);
      if (wrong === undefined) continue;
      this.#tally.fault(`${move.player.actor.name}: "${move.line}": ${wrong}\n${this.past()}`);
      await this.#beginAnew(move.player);
    }
    for (const { player, isKilled } of moves) if (isKilled) await this.#beginAnew(player);
  }

  /** All end in good order, and every root is whole after a gc. */
  async finish(): Promise<void> {
    await this.#tail?.end();
    this.#tail = undefined;
    for (const { session } of this.#players.splice(0)) await session.end();
    await this.#vtftp(['-c', `umount ${this.#mnt}`]);
    this.#mountPid = 0;
    await this.#vtftp(['-S', this.#store, '-c', 'gc --grace 0 --rootless > /dev/null; fsck']);
    await this.#recorded.update();
    const logged = await this.#longestLog();
    if (logged !== this.#logged) this.#tally.fault(`${this.#logged.length} octets were logged, and no root has more than ${logged.length}`);
  }

  /** Ends what is left. */
  async leave(): Promise<void> {
    await this.#tail?.killed();
    for (const { session } of this.#players) await session.killed();
    if (this.#mountPid !== 0) await vtftp(['-c', `umount -l ${this.#mnt}`], { env: this.#env });
  }

  #move(player: Player): Move {
    const random = this.#random;
    const { actor } = player;
    // Of a name that no root has yet rm records a root first, which this model does not know of.
    const names = [...actor.names].filter((each) => !TAILED.test(each) && actor.base.names.has(each));
    const make = (verb: string): string => `${verb} /${actor.name}${actor.made++}`;
    const remove = (): string => (names.length === 0 ? make('mkdir') : `rm -r /${names[random.below(names.length)] ?? ''}`);
    const undoTo = (): string => `undo @${1 + random.below(Math.max(1, this.#recorded.roots.length))}`;
    const lines: readonly [() => string, ...(() => string)[]] = [
      () => make('mkdir'),
      () => make(`put ${join(this.#folder, 'log')}`),
      remove,
      () => 'sync',
      () => 'sync',
      () => 'undo',
      undoTo,
      () => 'redo',
      () => 'inspect /',
      () => (isMount(actor) ? make('fsync') : 'ls /'),
    ];
    return { player, line: random.pick(lines)(), said: undefined, isKilled: random.chance(2) };
  }

  async #play(move: Move): Promise<void> {
    const { session, actor } = move.player;
    this.#lines.push(`${actor.name}: ${move.line}${move.isKilled ? ' (killed)' : ''}`);
    const answer = move.line.startsWith('fsync') ? this.#fsync(move.line.slice(7), session) : session.say(move.line);
    if (move.isKilled) {
      await delay(this.#random.below(15));
      if (isMount(actor)) process.kill(this.#mountPid, 'SIGKILL');
      else session.kill();
      await answer.catch(() => undefined);
      return;
    }
    move.said = await answer;
    this.#lines.push(`${actor.name}: ${move.line}: ${move.said.status}${move.said.error === undefined ? '' : ` ${move.said.error}`}`);
  }

  /** Makes a file on the mount and waits until it is durable, and then until a root has it. */
  async #fsync(name: string, session: Conversation): Promise<Said> {
    const file = await open(join(this.#mnt, name), 'w');
    try {
      await file.write(name);
      await file.sync();
    } finally {
      await file.close();
    }
    return await session.say('sync');
  }

  /** Each root that was recorded in a round is one that somebody may have recorded. */
  #checkRoots(from: number, moves: readonly Move[]): void {
    const { roots } = this.#recorded;
    for (let i = from; i < roots.length; i++) {
      const [before, root] = [roots[i - 1] ?? NO_ROOT, roots[i] ?? NO_ROOT];
      this.#lines.push(`root ${i + 1}: ${[...root.names].join(' ')}`);
      const isTails = [...difference(before, root)].every((name) => TAILED.test(name));
      const isReturn = roots.slice(0, i).some(({ text }) => text === root.text) || root.names.size === 0;
      if (isTails || (isReturn && moves.some(({ line }) => /^[ur]n?e?do/.test(line)))) continue;
      if (moves.some((move) => this.#mayHaveRecorded(move, roots.slice(0, i), root))) continue;
      this.#tally.fault(`root ${i + 1} is none that anybody may have recorded\n${this.past()}`);
    }
  }

  #mayHaveRecorded({ player: { actor }, line }: Move, before: readonly RecordedRoot[], root: RecordedRoot): boolean {
    return viewsOf(actor, before).some((view) => {
      if (line.startsWith('fsync')) view.names.add(line.slice(7));
      return view.mayHaveRecorded(before.at(-1) ?? NO_ROOT, root);
    });
  }

  /** Compares the answer with the model, and takes it over. */
  async #check(move: Move, from: number): Promise<string | undefined> {
    const { line, said, isKilled, player } = move;
    if (isKilled) return undefined;
    const { actor, session } = player;
    const { roots } = this.#recorded;
    const [verb = ''] = line.split(' ');
    const path = line.split(' /').at(-1) ?? '';
    if (said?.status === undefined) return 'it ended';
    this.#tally.note(verb);
    if (verb === 'undo' || verb === 'redo') {
      if (said.status === 0) {
        const wrong = this.#fits(actor, (view) => view.went(said, roots, from));
        return wrong ?? (await this.#shows(player));
      }
      // There is nothing there, or another session was first.
      if (said.status !== EXIT.failed && said.status !== EXIT.open) return said.error;
      const shown = await namesOf(session);
      await this.#recorded.update();
      return this.#fits(actor, (view) => view.refused(shown, roots, from));
    }
    const mayLack = isMount(actor) && viewsOf(actor, roots).some(({ names }) => !names.has(path));
    if (verb === 'rm' && said.status === EXIT.failed && mayLack) return await this.#shows(player);
    if (said.status !== 0) return `it ended with ${said.status}: ${said.error}`;
    if (verb === 'sync') return this.#fits(actor, (view) => view.synced(said, roots, from)) ?? (await this.#shows(player));
    if (verb === 'rm') actor.names.delete(path);
    else if (['mkdir', 'put', 'fsync'].includes(verb)) actor.names.add(path);
    if (verb !== 'fsync') return await this.#shows(player);
    if (!roots.slice(Math.max(0, from - 1)).some(({ names }) => names.has(path))) return 'fsync and sync returned, and no root has it';
    // Which root it is a sync tells.
    const again = await session.say('sync');
    await this.#recorded.update();
    return this.#fits(actor, (view) => view.synced(again, roots, from)) ?? (await this.#shows(player));
  }

  /** Whether an answer fits to what an actor may be by now; it becomes that. @returns what does not hold */
  #fits(actor: TogetherActor, check: (view: TogetherActor) => string | undefined): string | undefined {
    let first: string | undefined;
    for (const view of viewsOf(actor, this.#recorded.roots)) {
      const wrong = check(view);
      if (wrong === undefined) {
        actor.become(view);
        return undefined;
      }
      first ??= wrong;
    }
    return first;
  }

  /** Whether a session shows what the model says. */
  async #shows({ actor, session }: Player): Promise<string | undefined> {
    const shown = await namesOf(session);
    if (sameNames(shown, actor.names)) return undefined;
    await this.#recorded.update();
    const view = viewsOf(actor, this.#recorded.roots).find(({ names }) => sameNames(names, shown));
    if (view !== undefined) {
      actor.become(view);
      return undefined;
    }
    return `it shows ${[...shown].join(' ')} in place of ${[...actor.names].join(' ')}`;
  }

  async #log(): Promise<void> {
    const line = `line ${this.#random.below(1e9)}\n`;
    appendFileSync(join(this.#folder, 'log'), line);
    this.#logged += line;
    await Promise.resolve();
  }

  async #killTail(): Promise<void> {
    this.#lines.push('tail: killed');
    await this.#tail?.killed();
    await this.#beginTail();
  }

  async #beginTail(): Promise<void> {
    this.#tail = await Conversation.begin(['-S', this.#store], { folder: this.#folder, env: this.#env });
    const { status, error } = await this.#tail.say(`follow ${join(this.#folder, 'log')} /lg --every 0`);
    if (status !== 0) throw new Error(`follow: ${error}`);
  }

  async #mount(): Promise<void> {
    const mounted = await this.#vtftp(['--json', '-S', this.#store, '-c', `mount -o sync=0 ${this.#mnt}`]);
    this.#mountPid = Number(/"pid":(\d+)/.exec(mounted)?.[1]);
  }

  async #session(name: string): Promise<Conversation> {
    return await Conversation.begin(['-S', this.#store, ...(name === 'X' ? [this.#mnt] : [])], { folder: this.#folder, env: this.#env });
  }

  /** A player whose session is not to go on gets a new one. */
  async #beginAnew(player: Player): Promise<void> {
    await player.session.killed();
    if (isMount(player.actor)) {
      await vtftp(['-c', `umount -l ${this.#mnt}`], { env: this.#env });
      await this.#mount();
    }
    player.session = await this.#session(player.actor.name);
    await this.#beginPlayer(player);
  }

  /** The model of a session that has just begun: it is at some root. */
  async #beginPlayer({ actor, session }: Player): Promise<void> {
    const { records } = await session.say('sync');
    await this.#recorded.update();
    const dirref = records.find(({ dirref: text }) => text !== undefined)?.['dirref'];
    const root = [...this.#recorded.roots].reverse().find(({ text }) => text === dirref);
    if (root === undefined) throw new Error(`a session that has just begun is at ${String(dirref)}, which is no root`);
    actor.beginAt(root);
  }

  /**
   * What the roots have of the log. A merge keeps both sides of a conflict: what the tail took in may stand under the name of a copy. An undo of
   * another session takes it out of the newest states: any root counts.
   */
  async #longestLog(): Promise<string> {
    let longest = '';
    for (const { text, names } of [...this.#recorded.roots].reverse()) {
      for (const name of [...names].filter((each) => TAILED.test(each))) {
        const cat = await vtftp(['-S', this.#store, text, '-c', `cat ${name}`], { env: this.#env });
        if (cat.stdout.length > longest.length) longest = cat.stdout;
        if (longest === this.#logged) return longest;
      }
    }
    return longest;
  }

  async #vtftp(args: readonly string[]): Promise<string> {
    const done = await vtftp(args, { env: this.#env, cwd: this.#folder });
    if (done.status !== 0) this.#tally.fault(done.report);
    return done.stdout;
  }
}

/** X works on a mount: what others record appears in it. */
function isMount({ name }: TogetherActor): boolean {
  return name === 'X';
}

/** What an actor may be by now: only what works on a mount changes without a command. */
function viewsOf(actor: TogetherActor, roots: readonly RecordedRoot[]): TogetherActor[] {
  return isMount(actor) ? actor.views(roots) : [actor];
}

async function namesOf(session: Conversation): Promise<Set<string>> {
  const { records } = await session.say('ls /');
  return new Set(records.flatMap(({ name }) => (name === undefined ? [] : [String(name)])));
}

function difference(a: RecordedRoot, b: RecordedRoot): Set<string> {
  return new Set([...[...a.names].filter((name) => !b.names.has(name)), ...[...b.names].filter((name) => !a.names.has(name))]);
}
