import type { VtError } from '../../../core/base/errors.ts';
import { ParseError } from '../../../core/base/errors.ts';
import type { Random } from '../random.ts';

/** A decoder, and what must hold of it whatever octets it is given. */
export interface FuzzTarget {
  /** For `--only`. */
  readonly name: string;
  /** Good inputs, to be damaged. */
  seeds(): Promise<readonly Buffer[]> | readonly Buffer[];
  /** What the grammar is made of, besides what the seeds show. */
  readonly tokens?: readonly string[];
  /** Makes an input that is nearly whole: repairs a check that every change would break. */
  readonly mend?: (data: Buffer, random: Random) => Buffer;
  /** Octets that are worth no more time; default 65,536. */
  readonly maxSize?: number;
  /**
   * Decodes, and checks what came of it.
   *
   * @returns what kind of input it was: one that is new is kept and changed further
   * @throws whatever is a fault
   */
  check(data: Buffer, random: Random): Promise<string> | string;
}

/** A decoder that did what it must not. */
export class FuzzFault extends Error {}

/**
 * Runs a decoder: it may refuse the input by an error of the product with one of `codes`, and by nothing else.
 *
 * @returns the value, or how it was refused
 */
export function decoded<T>(
  decode: () => T,
  codes: readonly VtError['code'][] = ['EPARSE', 'EUNSUPPORTED'],
): { readonly value: T } | { readonly refusal: string } {
  try {
    return { value: decode() };
  } catch (error) {
    return { refusal: refusalOf(error, codes) };
  }
}

/** Names the error of a decoder. @throws {FuzzFault} if it is none that the decoder is documented to throw */
export function refusalOf(error: unknown, codes: readonly VtError['code'][]): string {
  const { code, name, message, stack } = error as VtError;
  if (!(error instanceof Error) || !codes.includes(code)) {
    throw new FuzzFault(`refused by ${name ?? typeof error} ${code ?? ''}: ${message}\n${stack ?? ''}`, { cause: error });
  }
  const where = error instanceof ParseError ? bucket(error.offset) : '';
  // What it quotes of the input is no kind; and a part of a message would keep all of it in memory.
  const words =
    message
      .slice(0, 200)
      .match(/[A-Za-z]{2,}/g)
      ?.slice(0, 6) ?? [];
  return Buffer.from(`${code} ${words.join(' ')} ${where}`).toString();
}

/** Numbers of the same size, for telling kinds of inputs apart. */
export function bucket(value: number): number {
  return value <= 0 ? 0 : Math.ceil(Math.log2(value + 1));
}

/** Whether something holds, or a fault that shows what does not. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new FuzzFault(what);
}

/** Two texts or encodings that must be the same. */
export function mustEqual(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) throw new FuzzFault(`${what}: ${shown(found)} where ${shown(expected)} was expected`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 400)) : String(value);
}
