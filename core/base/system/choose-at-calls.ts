import type { AtCalls } from './at-calls.ts';
import { nativeAtCalls } from './at-calls-native.ts';
import { procAtCalls } from './at-calls-proc.ts';
import { nativeLibrary } from './libc.ts';

let calls: AtCalls | undefined;

/** The calls, implemented with the C library if it can be loaded, else with Node and /proc. */
export function atCalls(): AtCalls {
  if (calls === undefined) {
    const library = nativeLibrary();
    calls = library === undefined ? procAtCalls() : nativeAtCalls(library);
  }
  return calls;
}
