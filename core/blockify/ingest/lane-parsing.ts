import type { Parser } from '../parser.ts';
import type { ParseJob, ScanResult } from './ingest-protocol.ts';

/** What the parsing of one content needs of its ingest. */
export interface ParsingContext {
  /** A number that no other content of the ingest has. */
  nextContent(): number;
  /** Parses in the thread that this content belongs to, in the order of the calls. @param isLarge - whether a worker is worth starting for it */
  parse(job: ParseJob, isLarge: boolean): Promise<number[]>;
}

type SliceJob = Pick<ParseJob, 'part' | 'slot' | 'length'>;

/** Has the slices of one content parsed, in order, behind their scans: each as soon as it is scanned, where its parser is. */
export class LaneParsing {
  readonly parser: Parser;
  readonly #context: ParsingContext;
  readonly #content: number;
  readonly #isLarge: boolean;
  /** Every slice before was handed over, or failed. */
  #handedOver: Promise<unknown> = Promise.resolve();
  #hasBegun = false;
  #hasEnded = false;

  constructor(context: ParsingContext, parser: Parser, isLarge: boolean) {
    this.#context = context;
    this.parser = parser;
    this.#content = context.nextContent();
    this.#isLarge = isLarge;
  }

  /** Parses a slice once it is scanned. Call it in the order of the slices. */
  slice(slot: number, scan: Promise<ScanResult>): Promise<number[]> {
    return this.#inTurn(async () => {
      const { length } = await scan;
      return { part: 'slice', slot, length };
    });
  }

  hole(length: number): Promise<number[]> {
    return this.#inTurn(async () => ({ part: 'hole', slot: 0, length }));
  }

  /** What the parser says at the end. */
  async finish(): Promise<number[]> {
    this.#hasEnded = true;
    return await this.#job({ part: 'end', slot: 0, length: 0 });
  }

  /** Has the parser forgotten, where the content did not come to its end. */
  async abandon(): Promise<void> {
    await this.#handedOver.catch(() => {});
    if (this.#hasBegun && !this.#hasEnded) await this.finish().catch(() => {});
  }

  /** Hands a job over when those before are; they need not be done, since the thread takes them in order. */
  #inTurn(prepare: () => Promise<SliceJob>): Promise<number[]> {
    const before = this.#handedOver;
    const handedOver = (async () => {
      await before;
      const parsed = this.#job(await prepare());
      parsed.catch(() => {});
      return { parsed };
    })();
    handedOver.catch(() => {});
    this.#handedOver = handedOver;
    return handedOver.then(({ parsed }) => parsed);
  }

  #job(job: SliceJob): Promise<number[]> {
    this.#hasBegun = true;
    return this.#context.parse({ kind: 'parse', content: this.#content, parser: this.parser.name, ...job }, this.#isLarge);
  }
}
