import { noMountsHere } from './mounted.ts';

/** Why the driver fuse-native cannot be tested here, or undefined where it can. */
export async function noNativeDriverHere(): Promise<string | undefined> {
  const noMounts = noMountsHere();
  if (noMounts !== undefined) return noMounts;
  try {
    await import('fuse-native');
    return undefined;
  } catch {
    return 'the package fuse-native, or libfuse 2 (Debian: libfuse2), is not here';
  }
}
