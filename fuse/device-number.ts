/** A device number as the kernel packs it into 32 bits. */
export function packDevice({ major, minor }: { readonly major: number; readonly minor: number }): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** The device number in 32 bits as the kernel packs it. */
export function unpackDevice(packed: number): { readonly major: number; readonly minor: number } {
  return { major: (packed >>> 8) & 0xfff, minor: (packed & 0xff) | ((packed >>> 12) & 0xfff00) };
}
