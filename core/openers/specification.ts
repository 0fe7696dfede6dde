import { ParseError, type VtErrorOptions } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';

/** What a Store specification says. @see vtftp.conf(5), "SPECIFICATIONS" */
export type StoreSpecification =
  | { readonly kind: 'default' }
  /** A clause of the configuration. */
  | { readonly kind: 'clause'; readonly clause: string }
  /** A word without a slash: a clause, or a Store that is there; never a new one. */
  | { readonly kind: 'word'; readonly word: string }
  /** A command that serves a Store on its standard input and output. */
  | { readonly kind: 'command'; readonly command: string }
  | StoreForm;

/** A Store by its type and parameters: `filecache:/var/cache/vt,maxsize=10G`. */
export interface StoreForm {
  readonly kind: 'form';
  /** `datadir`, `memory`, … */
  readonly type: string;
  /** By name; a parameter that is not given is not there. */
  readonly parameters: StoreParameters;
}

/** Values by the names of their parameters. */
export type StoreParameters = Readonly<Record<string, ParameterValue>>;

/** Of a path, hash, address or edges a text; of a size (in bytes) or count a number; of Stores their specifications. */
export type ParameterValue = string | number | readonly StoreSpecification[];

/** What a value of a parameter is: one of some words, or of a kind. `store` is exactly one Store, `stores` any number. */
export type ParameterType = 'path' | 'text' | 'size' | 'count' | 'edges' | 'store' | 'stores' | readonly string[];

/** The grammar of one type of Stores. */
export interface StoreShape {
  /** `filecache`. */
  readonly type: string;
  readonly parameters: Readonly<Record<string, ParameterType>>;
  /** The parameter that is right behind the colon, without its name. */
  readonly primary?: string;
  /** The parameter, a Store, that may be behind the first one and another colon, without its name. */
  readonly second?: string;
  /** Parameters that must be given. */
  readonly required?: readonly string[];
  /** Other names of parameters: those of the Python vt. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** A Store specification that cannot be read; `offset` is the first character at fault. */
export class SpecificationError extends ParseError {
  /** What was expected, and what was found. */
  readonly what: string;

  constructor(text: string, what: string, offset: number, options: VtErrorOptions = {}) {
    super(what, offset, { ...options, code: 'EUSAGE' });
    this.what = what;
    this.message = `read Store specification "${text.length <= 120 ? text : `${text.slice(0, 117)}...`}": ${what}, at column ${offset + 1}`;
  }
}

/** A text parameter, or undefined where it is not given. */
export function textParameter(parameters: StoreParameters, name: string): string | undefined {
  const value = parameters[name];
  return typeof value === 'string' ? value : undefined;
}

/** A size or count, or undefined where it is not given. */
export function numberParameter(parameters: StoreParameters, name: string): number | undefined {
  const value = parameters[name];
  return typeof value === 'number' ? value : undefined;
}

/** The Stores of a parameter; none where it is not given. */
export function storesParameter(parameters: StoreParameters, name: string): readonly StoreSpecification[] {
  const value = parameters[name];
  return typeof value === 'object' ? value : [];
}

/** The parameter `hash`, which the grammar has checked. */
export function hashParameter(parameters: StoreParameters): HashName | undefined {
  return textParameter(parameters, 'hash') as HashName | undefined;
}
