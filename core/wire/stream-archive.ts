import type { AllEntriesOptions, Archive, ArchiveEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { parseArchiveLine, parseForgottenLine } from '../archive/archive-line.ts';
import { ParseError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { encodeAppend, lineOf } from './entry-requests.ts';
import { encodeText } from './payload.ts';
import { told } from './read-response.ts';
import { REQUEST } from './requests.ts';
import type { StreamClient } from './stream-client.ts';

/** A client of an archive of a served Store. */
export class StreamArchive implements Archive {
  readonly name: string;
  readonly #client: StreamClient;
  readonly #archive: string;

  constructor(client: StreamClient, archive: string) {
    this.#client = client;
    this.#archive = archive;
    this.name = `${client.name}:${archive}`;
  }

  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    const {
      yes,
      json = {},
      payload,
    } = await this.#client.request(REQUEST.entryLast, { json: { notes: true }, payload: [encodeText(this.#archive)] }, options.signal);
    const { damage, number } = json;
    if (Array.isArray(damage)) for (const reason of damage) options.onDamage?.(told(String(reason)));
    return yes ? readLine(payload, Number(number)) : undefined;
  }

  async *entries(options: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    const known = new Set<number>();
    const forgotten = options.withForgotten === true ? { forgotten: true } : {};
    let number = 0;
    for (let from: number | undefined = 1; from !== undefined; ) {
      const body = { json: { from, notes: true, ...forgotten }, payload: [encodeText(this.#archive)] };
      const { json = {}, payload } = await this.#client.request(REQUEST.entries, body, options.signal);
      const { next, damage } = json;
      for (const item of Array.isArray(damage) ? (damage as unknown[]) : []) {
        const [line, reason] = Array.isArray(item) ? (item as unknown[]) : [];
        if (typeof line !== 'number' || known.has(line)) continue;
        known.add(line);
        options.onDamage?.(line, told(String(reason)));
      }
      const lines = Buffer.from(payload)
        .toString('latin1')
        .split('\n')
        .filter((line) => line !== '');
      for (const line of lines) {
        const gone = parseForgottenLine(line);
        yield gone === undefined ? readLine(Buffer.from(line, 'latin1'), ++number) : { ...gone, number, isForgotten: true };
      }
      // Each response must make progress, or this loop would never end.
      const isFurther: boolean = typeof next === 'number' && next > from;
      if (isFurther && lines.length === 0) throw new ParseError('read archive: there is said to be more, and nothing was given', 0);
      from = isFurther ? Number(next) : undefined;
    }
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    // There are no locks over a connection: if another entry became the newest meanwhile, decide again.
    let last = await this.last(options);
    for (;;) {
      const line = await decide(last);
      if (line === undefined) return undefined;
      // An older server would treat lines with notes as damaged.
      const takesNotes = (await this.#client.open(options.signal)).can.notes;
      const seen = last === undefined ? '' : lineOf(last, takesNotes).toString('latin1');
      const body = {
        json: { notes: takesNotes },
        payload: [encodeAppend(this.#archive, seen, lineOf(line, takesNotes).toString('latin1'))],
      };
      const { yes, json = {}, payload } = await this.#client.request(REQUEST.entryAppend, body, options.signal);
      if (yes) return { ...line, number: Number(json['number']) };
      last = payload.length === 0 ? undefined : readLine(payload, (last?.number ?? 0) + 1);
    }
  }

  watch(onChange: () => void): () => void {
    return this.#client.watches.watch(this.#archive, onChange);
  }
}

/** Lists the archives of a served Store; undefined if the server cannot list them. @throws {ParseError} if the response is malformed */
export async function streamArchiveNames(client: StreamClient, { signal }: OpOptions): Promise<string[] | undefined> {
  let names: unknown;
  try {
    names = (await client.request(REQUEST.archiveNames, {}, signal)).json?.['names'];
  } catch (error) {
    if (error instanceof VtError && error.code === 'EUNSUPPORTED') return undefined;
    throw error;
  }
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) throw new ParseError('list archives: no names', 0);
  return names;
}

function readLine(line: Uint8Array, number: number): ArchiveEntry {
  const found = parseArchiveLine(Buffer.from(line).toString('latin1'));
  if (found === undefined) throw new ParseError('read archive line: it says nothing', 0);
  return { ...found, number };
}
