import type { Octets } from './octets.ts';

/**
 * Formats bytes as a quoted string. `"` and `\` get a backslash, other printable ASCII is unchanged, and every other byte becomes
 * `\xHH`. @see vt(5), "Text"
 */
export function formatQuoted(octets: Octets): string {
  const escaped = octets.replace(/[^ !#-[\]-~]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${hexOctet(char.charCodeAt(0))}`,
  );
  return `"${escaped}"`;
}

/** Formats a byte as two lower-case hex digits. */
export function hexOctet(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

/** Formats `prefix{ident:value,ident:value}`. Items whose value is undefined are omitted. */
export function formatObject(prefix: string, items: Iterable<readonly [ident: string, value: string | undefined]>): string {
  const parts: string[] = [];
  for (const [ident, value] of items) if (value !== undefined) parts.push(`${ident}:${value}`);
  return `${prefix}{${parts.join(',')}}`;
}
