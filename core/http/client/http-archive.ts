import type { Archive, ArchiveEntry } from '../../archive/archive.ts';
import type { ArchiveLine } from '../../archive/archive-line.ts';
import { formatArchiveLine, parseArchiveLine } from '../../archive/archive-line.ts';
import { ParseError, ReadOnlyError, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { failedWrite } from './http-adds.ts';
import type { Answer, HttpClient } from './http-client.ts';

/** Bytes of an archive's lines, at most: some hundred thousand lines. */
const MAX_LINES_SIZE = 256 * 1024 * 1024;
const MAX_LINE_SIZE = 16 * 1024 * 1024;

/** An archive on a server; it can be appended to if the server allows it. */
export class HttpArchive implements Archive {
  readonly name: string;
  readonly #client: HttpClient;
  readonly #path: string;
  readonly #canWrite: boolean;

  constructor(client: HttpClient, name: string, canWrite: boolean) {
    this.name = `${client.name}:${name}`;
    this.#client = client;
    this.#canWrite = canWrite;
    this.#path = `archive/${encodeURIComponent(name)}/`;
  }

  async last(options: OpOptions = {}): Promise<ArchiveEntry | undefined> {
    return (await this.#newest(options)).last;
  }

  async *entries(options: OpOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    yield* this.#entriesIn((await this.#lines('all', MAX_LINES_SIZE, options)).body);
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    if (!this.#canWrite) throw new ReadOnlyError('append to archive', this.name);
    // HTTP has no locks: if the entry is no longer the newest, decide again.
    let { last, etag } = await this.#newest(options);
    for (;;) {
      const line = await decide(last);
      if (line === undefined) return undefined;
      const sent = formatArchiveLine(line);
      const headers = last === undefined || etag === undefined ? { 'if-none-match': '*' } : { 'if-match': etag };
      const body = Buffer.from(sent, 'latin1');
      const answer = await this.#client.send('POST', this.#path, { body, headers, maxSize: MAX_LINE_SIZE, signal: options.signal });
      const [recorded] = answer.status === 201 || answer.status === 200 ? [...this.#entriesIn(answer.body)] : [];
      if (recorded !== undefined) return recorded;
      if (answer.status !== 412) throw failedWrite('append to archive', this.name, answer);
      ({ last, etag } = await this.#newest(options));
      // The answer to an earlier attempt was lost.
      if (last !== undefined && formatArchiveLine(last) === sent) return last;
    }
  }

  async #newest(options: OpOptions): Promise<{ last: ArchiveEntry | undefined; etag: string | undefined }> {
    const { body, etag } = await this.#lines('last', MAX_LINE_SIZE, options);
    const [last] = [...this.#entriesIn(body)].slice(-1);
    return { last, etag };
  }

  async #lines(which: 'all' | 'last', maxSize: number, { signal }: OpOptions): Promise<Pick<Answer, 'body' | 'etag'>> {
    const { status, body, etag } = await this.#client.get(`${this.#path}?lines=${which}`, { maxSize, signal });
    if (status === 404) return { body: Buffer.alloc(0) };
    if (status !== 200) throw new VtError('EFAILED', `read archive "${this.name}": the server answered with ${status}`);
    return { body, etag };
  }

  /** Parses lines, each after its number, one by one, since there may be a million. */
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
