import { ParseError, type VtErrorOptions } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';

/** A parsed Store specification. @see vtftp.conf(5), "SPECIFICATIONS" */
export type StoreSpecification =
  | { readonly kind: 'default' }
  /** A clause of the configuration. */
  | { readonly kind: 'clause'; readonly clause: string }
  /** A word without a slash: a clause or an existing Store, never a new one. */
  | { readonly kind: 'word'; readonly word: string }
  /** A command that serves a Store on its standard input and output. */
  | { readonly kind: 'command'; readonly command: string }
  | StoreForm;

/** A Store by its type and parameters: `filecache:/var/cache/vt,maxsize=10G`. */
export interface StoreForm {
  readonly kind: 'form';
  /** `datadir`, `memory`, … */
  readonly type: string;
  /** By name; parameters that are not given are absent. */
  readonly parameters: StoreParameters;
}

/** Values by parameter name. */
export type StoreParameters = Readonly<Record<string, ParameterValue>>;

/** A path, hash, address or edges are a string; a size (in bytes) or count is a number; Stores are specifications. */
export type ParameterValue = string | number | readonly StoreSpecification[];

/** The type of a parameter: a list of words, or a kind. `store` is exactly one Store, `stores` is one or more. */
export type ParameterType = 'path' | 'text' | 'size' | 'count' | 'edges' | 'store' | 'stores' | readonly string[];

/** The grammar of one type of Store. */
export interface StoreShape {
  /** The word before the colon, such as `filecache`. */
  readonly type: string;
  readonly parameters: Readonly<Record<string, ParameterType>>;
  /** The parameter directly after the colon, which needs no name. */
  readonly primary?: string;
  /** A Store parameter that may follow the primary one after another colon, without its name. */
  readonly second?: string;
  /** Mandatory parameters. */
  readonly required?: readonly string[];
  /** Other names of parameters: those of the Python vt. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** An invalid Store specification; `offset` is the first wrong character. */
export class SpecificationError extends ParseError {
  /** What was expected and what was found. */
  readonly what: string;

  constructor(text: string, what: string, offset: number, options: VtErrorOptions = {}) {
    super(what, offset, { ...options, code: 'EUSAGE' });
    this.what = what;
    this.message = `read Store specification "${text.length <= 120 ? text : `${text.slice(0, 117)}...`}": ${what}, at column ${offset + 1}`;
  }
}

/** A text parameter; undefined if it is not given. */
export function textParameter(parameters: StoreParameters, name: string): string | undefined {
  const value = parameters[name];
  return typeof value === 'string' ? value : undefined;
}

/** A size or count; undefined if it is not given. */
export function numberParameter(parameters: StoreParameters, name: string): number | undefined {
  const value = parameters[name];
  return typeof value === 'number' ? value : undefined;
}

/** The Stores of a parameter; empty if it is not given. */
export function storesParameter(parameters: StoreParameters, name: string): readonly StoreSpecification[] {
  const value = parameters[name];
  return typeof value === 'object' ? value : [];
}

/** The parameter `hash`, which the grammar has checked. */
export function hashParameter(parameters: StoreParameters): HashName | undefined {
  return textParameter(parameters, 'hash') as HashName | undefined;
}
