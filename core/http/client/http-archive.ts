import type { Archive, ArchiveEntry } from '../../archive/archive.ts';
import type { ArchiveLine } from '../../archive/archive-line.ts';
import { parseArchiveLine } from '../../archive/archive-line.ts';
import { ReadOnlyError, VtError } from '../../base/errors.ts';
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
    return (await this.#lines('last', MAX_LINE_SIZE, options)).at(-1);
  }

  async *entries(options: OpOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    yield* await this.#lines('all', MAX_LINES_SIZE, options);
  }

  async append(_: unknown, __: OpOptions = {}): Promise<(ArchiveLine & ArchiveEntry) | undefined> {
    throw new ReadOnlyError('append to archive', this.name);
  }

  /** Each line has its number before it. */
  async #lines(which: 'all' | 'last', maxSize: number, { signal }: OpOptions): Promise<ArchiveEntry[]> {
    const { status, body } = await this.#client.get(`${this.#path}?lines=${which}`, { maxSize, signal });
    if (status === 404) return [];
    if (status !== 200) throw new VtError('EFAILED', `read archive "${this.name}": the server answered with ${status}`);
    const found: ArchiveEntry[] = [];
    for (const text of body.toString('latin1').split('\n')) {
      const [, number = '', line = ''] = /^(\d{1,15}) (.*)$/s.exec(text) ?? [];
      const parsed = line === '' ? undefined : parseArchiveLine(line);
      if (parsed !== undefined) found.push({ ...parsed, number: Number(number) });
    }
    return found;
  }
}
