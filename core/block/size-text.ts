const UNITS = 'KMGTP';

/**
 * Reads a size: `1000`, `512K`, `20 MiB`, `1.5G` in powers of 1024; `20MB` in powers of 1000.
 *
 * @returns bytes, 1..2^53 - 1, or undefined for any other text
 */
export function readSize(text: string): number | undefined {
  const found = /^(\d{1,16}(?:\.\d{1,6})?)[ \t]*(?:([KMGTP])(B|iB)?|B)?$/i.exec(text);
  if (found === null) return undefined;
  const [, digits = '', unit, suffix] = found;
  const base = suffix?.toLowerCase() === 'b' ? 1000 : 1024;
  const size = Math.floor(Number(digits) * (unit === undefined ? 1 : base ** (UNITS.indexOf(unit.toUpperCase()) + 1)));
  return Number.isSafeInteger(size) && size > 0 ? size : undefined;
}

const SIZE_UNITS = ['B', 'K', 'M', 'G', 'T', 'P', 'E'] as const;

/** Formats a size for display, in powers of 1024 with at most three digits: `980B`, `1.5K`, `12M`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
  return `${digits}${SIZE_UNITS[unit]}`;
}
