import type { AddCounts, Capabilities, CapabilityName } from './capabilities.ts';

/** Capabilities by name. A `hidden` one is unavailable, even if the Store below has it. */
export type Offers = { readonly [Name in CapabilityName]?: Capabilities[Name] | 'hidden' | undefined };

/**
 * Members of a Store class by which {@link capability} finds its capabilities. A wrapper sets `wraps`, and `offers` only what
 * it implements itself or hides: everything else is found in the Store below.
 */
export interface Capable {
  /** Read by each call of `capability`: a getter may depend on the state of the Store. */
  readonly offers?: Offers;
  /** The Store below; undefined while there is none. */
  readonly wraps?: object | undefined;
}

/**
 * Finds a capability of a Store or of the Stores that it wraps.
 *
 * @returns undefined if there is none
 */
export function capability<Name extends CapabilityName>(store: object, name: Name): Capabilities[Name] | undefined {
  for (let at: Capable | undefined = store; at !== undefined; at = at.wraps) {
    // The precise type is too complex for the compiler.
    const offers: Readonly<Record<string, unknown>> | undefined = at.offers;
    const offered = offers?.[name];
    if (offered === 'hidden') return undefined;
    if (offered !== undefined) return offered as Capabilities[Name];
  }
  return undefined;
}

/** Finds the Store of the given class: `store` itself or one that it wraps. */
export function layerOf<Layer extends object>(store: object, type: abstract new (...args: never[]) => Layer): Layer | undefined {
  for (let at: (object & Capable) | undefined = store; at !== undefined; at = at.wraps) if (at instanceof type) return at;
  return undefined;
}

/** Whether Blocks can be added. */
export function canWrite(store: object): boolean {
  return capability(store, 'access')?.write ?? true;
}

/** The remedy for the error that Blocks cannot be added, if one is known. */
export function writeRemedy(store: object): { readonly remedy?: string } {
  const remedy = capability(store, 'access')?.remedy;
  return remedy === undefined ? {} : { remedy };
}

/** Counts of this session's adds to a Store; zeros if it does not count. */
export function addCounts(store: object): AddCounts {
  return capability(store, 'counts')?.counts() ?? NO_COUNTS;
}

/** Counts of zero. */
export const NO_COUNTS: AddCounts = { newBlocks: 0, newBytes: 0, storedBytes: 0, existingBlocks: 0, existingBytes: 0 };
