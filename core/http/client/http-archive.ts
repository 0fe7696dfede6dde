import type { Archive, ArchiveEntry } from '../../archive/archive.ts';
import type { ArchiveLine } from '../../archive/archive-line.ts';
import { parseArchiveLine } from '../../archive/archive-line.ts';
import { ParseError, ReadOnlyError, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { HttpClient } from './http-client.ts';

/** Octets of the lines of an archive that are taken: some hundred thousand of them. */
const MAX_LINES_SIZE = 256 * 1024 * 1024;
const MAX_LINE_SIZE = 16 * 1024 * 1024;

/** An archive that a server shows; it is read, and not written. */
export class HttpArchive implements Archive {
  readonly name: string;
  readonly #client: HttpClient;
  readonly #path: string;

  constructor(client: HttpClient, name: string) {
    this.name = `${client.name}:${name}`;
    this.#client = client;
    this.#path = `archive/${encodeURIComponent(name)}/`;
  }

  async last(options: OpOptions = {}): Promise<ArchiveEntry | undefined> {
    let last: ArchiveEntry | undefined;
    for (const entry of this.#entriesIn(await this.#lines('last', MAX_LINE_SIZE, options))) last = entry;
    return last;
  }

  async *entries(options: OpOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    yield* this.#entriesIn(await this.#lines('all', MAX_LINES_SIZE, options));
  }

  async append(_: unknown, __: OpOptions = {}): Promise<(ArchiveLine & ArchiveEntry) | undefined> {
    throw new ReadOnlyError('append to archive', this.name);
  }

  async #lines(which: 'all' | 'last', maxSize: number, { signal }: OpOptions): Promise<Buffer> {
    const { status, body } = await this.#client.get(`${this.#path}?lines=${which}`, { maxSize, signal });
    if (status === 404) return Buffer.alloc(0);
    if (status !== 200) throw new VtError('EFAILED', `read archive "${this.name}": the server answered with ${status}`);
    return body;
  }

  /** What lines say, each of which has its number before it; line by line, since what came may be a million of them. */
  *#entriesIn(lines: Buffer): Generator<ArchiveEntry> {
    for (let start = 0; start < lines.length; ) {
      const newline = lines.indexOf(0x0a, start);
      const end = newline < 0 ? lines.length : newline;
      const [, number = '', line = ''] = /^(\d{1,15}) (.*)$/s.exec(lines.toString('latin1', start, end)) ?? [];
      const parsed = line === '' ? undefined : this.#parse(line);
      if (parsed !== undefined) yield { ...parsed, number: Number(number) };
      start = end + 1;
    }
  }

  #parse(line: string): ArchiveLine | undefined {
    try {
      return parseArchiveLine(line);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      throw new VtError('ECORRUPT', `read archive "${this.name}": the server sent a state that cannot be read`, { cause: error });
    }
  }
}
