import { VtError } from '../../../core/base/errors.ts';
import { compareOctets, type Octets } from '../../../core/base/octets.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { baseName, isWithin, parentPath, ROOT_PATH } from '../../../core/tree/path.ts';
import type { TreeEntry } from '../../../core/tree/tree.ts';
import type { TreeContext } from '../../command.ts';
import type { Screen } from '../../screen.ts';
import { ContentMeter, type ContentSum, sumDirs } from '../content-sums.ts';
import { PassedDamage } from '../damage.ts';
import { fitted } from '../display-width.ts';
import { requireEntry } from '../entry.ts';
import { countText, sizeText } from '../format.ts';
import { recordBefore } from '../record-before.ts';
import { barOf, isUtf8 } from './bars.ts';

/** Columns of the bar of the largest name. */
const BAR_WIDTH = 12;

/** Milliseconds between two updates while sums are computed. */
const TELL_MS = 100;

const KEYS = 'Return opens, Backspace leaves, s n c sort, d removes, q quits';

interface Row extends Readonly<ContentSum> {
  readonly entry: TreeEntry;
}

type Order = 'size' | 'name' | 'count';

const ORDERS: Readonly<Record<Order, (a: Row, b: Row) => number>> = {
  size: (a, b) => b.bytes - a.bytes || compareOctets(a.entry.name, b.entry.name),
  name: (a, b) => compareOctets(a.entry.name, b.entry.name),
  count: (a, b) => b.items - a.items || compareOctets(a.entry.name, b.entry.name),
};

const ORDER_KEYS: Readonly<Record<string, Order>> = { s: 'size', n: 'name', c: 'count' };

/**
 * Shows the space used below a Dir, one Dir at a time, and removes entries on request.
 *
 * @param unique - count each stored Block once
 * @throws {VtError} EFAILED if the path is not a Dir
 */
export async function browseUsage(context: TreeContext, path: TreePath, unique: boolean): Promise<void> {
  const { session, signal, shell } = context;
  const top = await requireEntry(session.tree, path, 'sum', { signal });
  if (top.dirent.kind !== 'dir')
    throw new VtError('EFAILED', `du: --interactive shows Dirs, and this is a ${top.dirent.kind}`, { remedy: 'name a Dir' });
  const damage = new PassedDamage(context, 'sum');
  await shell.view('du: --interactive', signal, async (screen) => {
    const browser = new UsageBrowser({ ...context, signal: screen.signal }, screen, top);
    await browser.run(damage, unique);
  });
  damage.throwIfAny();
}

class UsageBrowser {
  readonly #context: TreeContext;
  readonly #screen: Screen;
  readonly #top: TreeEntry;
  readonly #utf8: boolean;
  /** Sums of Dirs, and of files whose counted bytes differ from their size. */
  readonly #sums = new Map<TreePath, ContentSum>();
  #dir: TreePath;
  #rows: Row[] = [];
  #marked = 0;
  /** The first visible row. */
  #first = 0;
  #order: Order = 'size';
  #isReversed = false;
  /** The text of the last line until the next key. */
  #notice: string | undefined;

  constructor(context: TreeContext, screen: Screen, top: TreeEntry) {
    this.#context = context;
    this.#screen = screen;
    this.#top = top;
    this.#dir = top.path;
    this.#utf8 = isUtf8(context.shell.env);
  }

  async run(damage: PassedDamage, unique: boolean): Promise<void> {
    try {
      await this.#sum(damage, unique);
      await this.#enter(this.#dir);
      for (;;) {
        await this.#draw();
        const key = await this.#screen.key();
        this.#notice = undefined;
        if (key === undefined || key === 'q') return;
        await this.#answer(key);
      }
    } catch (error) {
      // Ctrl-C leaves the view.
      if (!this.#screen.signal.aborted) throw error;
    }
  }

  async #sum(damage: PassedDamage, unique: boolean): Promise<void> {
    const meter = new ContentMeter(this.#context, unique);
    let seen = 0;
    let bytes = 0;
    let toldMs = 0;
    const measure = async (entry: TreeEntry): Promise<number> => {
      const added = await meter.measure(entry);
      if (entry.dirent.kind === 'file' && added !== entry.size) this.#sums.set(entry.path, { bytes: added, items: 0 });
      seen++;
      bytes += added;
      if (performance.now() - toldMs > TELL_MS) {
        toldMs = performance.now();
        this.#screen.draw([`${countText(seen, 'file')}, ${sizeText(bytes)}`, '', 'q or Ctrl-C leaves']);
      }
      return added;
    };
    await sumDirs(this.#context, damage, this.#top, measure, ({ path }, sum) => {
      this.#sums.set(path, { bytes: sum.bytes, items: sum.items });
    });
  }

  /** Shows a Dir. @param from - the name to mark */
  async #enter(dir: TreePath, from?: Octets): Promise<void> {
    const { session, signal } = this.#context;
    const rows: Row[] = [];
    for await (const entry of session.tree.list(dir, { signal }))
      rows.push({ entry, ...(this.#sums.get(entry.path) ?? { bytes: entry.dirent.kind === 'file' ? entry.size : 0, items: 0 }) });
    this.#dir = dir;
    this.#rows = rows;
    this.#sort(from);
  }

  /** @param keep - the name that stays marked */
  #sort(keep: Octets | undefined): void {
    this.#rows.sort(ORDERS[this.#order]);
    if (this.#isReversed) this.#rows.reverse();
    const at = keep === undefined ? -1 : this.#rows.findIndex(({ entry }) => entry.name === keep);
    this.#marked = Math.max(0, at);
    this.#first = 0;
  }

  /** Lines between the heading and the footer. */
  get #height(): number {
    return Math.max(1, this.#screen.rows - 2);
  }

  async #answer(key: string): Promise<void> {
    const row = this.#rows[this.#marked];
    const order = ORDER_KEYS[key];
    if (order !== undefined) {
      this.#isReversed = order === this.#order && !this.#isReversed;
      this.#order = order;
      this.#sort(row?.entry.name);
      return;
    }
    switch (key) {
      case 'up':
      case 'k':
        this.#mark(-1);
        return;
      case 'down':
      case 'j':
        this.#mark(1);
        return;
      case 'pageup':
        this.#mark(-this.#height);
        return;
      case 'pagedown':
        this.#mark(this.#height);
        return;
      case 'home':
        this.#mark(Number.NEGATIVE_INFINITY);
        return;
      case 'end':
        this.#mark(Number.POSITIVE_INFINITY);
        return;
      case 'return':
      case 'right':
      case 'l':
        if (row?.entry.dirent.kind === 'dir') await this.#enter(row.entry.path);
        return;
      case 'backspace':
      case 'left':
      case 'h':
        if (this.#dir !== this.#top.path) await this.#enter(parentPath(this.#dir), baseName(this.#dir));
        return;
      case 'd':
        if (row !== undefined) await this.#remove(row);
        return;
      default:
    }
  }

  #mark(by: number): void {
    this.#marked = Math.max(0, Math.min(this.#rows.length - 1, this.#marked + by));
  }

  async #remove(row: Row): Promise<void> {
    const { session, output, plan, signal, shell } = this.#context;
    const { tree } = session;
    const { path, name } = row.entry;
    const shown = output.name(name);
    if (plan || !tree.can.write) {
      this.#notice = plan ? `would remove ${shown}` : `${shown} stays: what is shown is read-only`;
      return;
    }
    const below = row.items === 0 ? '' : ` and ${countText(row.items, 'name')} below`;
    this.#notice = `Remove ${shown}${below}?${tree.can.sync ? '' : ' It cannot be undone.'} y/N`;
    await this.#draw();
    const answer = await this.#screen.key();
    this.#notice = undefined;
    if (answer !== 'y' && answer !== 'Y') return;
    session.note(`rm -r ${shell.quote(path)}`);
    await recordBefore(this.#context, path);
    await tree.remove(path, { recursive: true, signal });
    if (isWithin(path, session.cwd)) session.cwd = parentPath(path);
    for (let dir = this.#dir; ; dir = parentPath(dir)) {
      const sum = this.#sums.get(dir);
      if (sum !== undefined) {
        sum.bytes -= row.bytes;
        sum.items -= row.items + 1;
      }
      if (dir === this.#top.path || dir === ROOT_PATH) break;
    }
    const at = this.#marked;
    await this.#enter(this.#dir);
    this.#mark(at);
    this.#notice = `removed ${shown}${tree.can.sync ? '; undo brings it back' : ''}`;
  }

  async #draw(): Promise<void> {
    const { output } = this.#context;
    const { columns } = this.#screen;
    const height = this.#height;
    this.#first = Math.max(Math.min(this.#first, this.#marked), this.#marked - height + 1);
    const sum = this.#sums.get(this.#dir) ?? { bytes: 0, items: 0 };
    const most = this.#rows.reduce((max, { bytes }) => Math.max(max, bytes), 0);
    const lines = [await fitted(`${output.name(this.#dir)}  ${sizeText(sum.bytes)}, ${countText(sum.items, 'name')}`, columns)];
    for (const { entry, bytes, items } of this.#rows.slice(this.#first, this.#first + height)) {
      const bar = most === 0 || bytes === 0 ? '' : barOf((bytes / most) * BAR_WIDTH, this.#utf8);
      const part = sum.bytes === 0 ? '' : `${((bytes / sum.bytes) * 100).toFixed(0)}%`;
      const isDir = entry.dirent.kind === 'dir';
      const front = `${sizeText(bytes).padStart(7)} ${part.padStart(4)} ${bar.padEnd(BAR_WIDTH)} `;
      const name = `${output.name(entry.name)}${isDir ? `/  ${countText(items, 'name')}` : ''}`;
      lines.push(await fitted(`${front}${name}`, columns));
    }
    if (this.#rows.length === 0) lines.push('  nothing here');
    while (lines.length < height + 1) lines.push('');
    lines.push(output.style('dim', await fitted(this.#notice ?? KEYS, columns - 1)));
    this.#screen.draw(lines, this.#rows.length === 0 ? undefined : 1 + this.#marked - this.#first);
  }
}
