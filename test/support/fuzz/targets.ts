import type { FuzzTarget } from './fuzz-target.ts';
import { OBJECT_TARGETS } from './object-targets.ts';
import { STORE_TARGETS } from './store-targets.ts';
import { TEXT_TARGETS } from './text-targets.ts';

/** Every decoder that is fuzzed. The parsers of contents have a fuzzer of their own. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [...OBJECT_TARGETS, ...TEXT_TARGETS, ...STORE_TARGETS];
