import type { AddCounts, Capabilities, CapabilityName } from './capabilities.ts';

/** Capabilities by their names. One that is `hidden` is not there, whatever the Store below has. */
export type Offers = { readonly [Name in CapabilityName]?: Capabilities[Name] | 'hidden' | undefined };

/**
 * What a Store class has beside the members of `Store`, for {@link capability} to find. A wrapper names the Store that it
 * wraps, and offers only what it does itself, or hides: everything else is found in the Store below.
 */
export interface Capable {
  /** Read at each question: a getter may answer by the state of the Store. */
  readonly offers?: Offers;
  /** The Store below; undefined while there is none. */
  readonly wraps?: object | undefined;
}

/**
 * What a Store can do beyond the members of `Store`, in itself or in the Stores that it wraps.
 *
 * @returns undefined where it cannot
 */
export function capability<Name extends CapabilityName>(store: object, name: Name): Capabilities[Name] | undefined {
  for (let at: Capable | undefined = store; at !== undefined; at = at.wraps) {
    // What each name stands for, all at once, is more than the compiler works out.
    const offers: Readonly<Record<string, unknown>> | undefined = at.offers;
    const offered = offers?.[name];
    if (offered === 'hidden') return undefined;
    if (offered !== undefined) return offered as Capabilities[Name];
  }
  return undefined;
}

/** The Store of a class that a Store is, or wraps. */
export function layerOf<Layer extends object>(store: object, type: abstract new (...args: never[]) => Layer): Layer | undefined {
  for (let at: (object & Capable) | undefined = store; at !== undefined; at = at.wraps) if (at instanceof type) return at;
  return undefined;
}

/** Whether Blocks can be added. */
export function canWrite(store: object): boolean {
  return capability(store, 'access')?.write ?? true;
}

/** What an error says where Blocks cannot be added: what would change that, if anything is known to. */
export function writeRemedy(store: object): { readonly remedy?: string } {
  const remedy = capability(store, 'access')?.remedy;
  return remedy === undefined ? {} : { remedy };
}

/** Counts of what was added to a Store in this session. */
export function addCounts(store: object): AddCounts {
  return capability(store, 'counts')?.counts() ?? NO_COUNTS;
}

/** Nothing was added. */
export const NO_COUNTS: AddCounts = { newBlocks: 0, newBytes: 0, storedBytes: 0, existingBlocks: 0, existingBytes: 0 };
