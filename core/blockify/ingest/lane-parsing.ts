import type { Parser } from '../parser.ts';
import type { ParseJob, ScanResult } from './ingest-protocol.ts';

/** The part of an ingest that the parsing of a content needs. */
export interface ParsingContext {
  /** A number that is unique within the ingest. */
  nextContent(): number;
  /** Parses in the thread of the content, in the order of calls. @param isLarge - whether it is worth starting a worker */
  parse(job: ParseJob, isLarge: boolean): Promise<number[]>;
}

type SliceJob = Pick<ParseJob, 'part' | 'slot' | 'length'>;

/** Sends the slices of one content to its parser, in order, each as soon as it is scanned. */
export class LaneParsing {
  readonly parser: Parser;
  readonly #context: ParsingContext;
  readonly #content: number;
  readonly #isLarge: boolean;
  /** Settles when all slices so far have been sent, or one has failed. */
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

  /** The parser's edges at the end. */
  async finish(): Promise<number[]> {
    this.#hasEnded = true;
    return await this.#job({ part: 'end', slot: 0, length: 0 });
  }

  /** Drops the parser's state if the content did not reach its end. */
  async abandon(): Promise<void> {
    await this.#handedOver.catch(() => {});
    if (this.#hasBegun && !this.#hasEnded) await this.finish().catch(() => {});
  }

  /** Sends a job after those before it. These need not be done, since the thread runs them in order. */
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
