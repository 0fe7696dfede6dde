import type { Octets } from './octets.ts';

/**
 * A quoted string of bytes: printable ASCII as it is, except `"` and `\`, which are escaped; every other byte
 * is `\xHH`. @see vt(5), "Text"
 */
export function formatQuoted(octets: Octets): string {
  const escaped = octets.replace(/[^ !#-[\]-~]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${hexOctet(char.charCodeAt(0))}`,
  );
  return `"${escaped}"`;
}

/** Two lower-case hex digits. */
export function hexOctet(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

/** `prefix{ident:value,ident:value}`; values of undefined are left out. */
export function formatObject(prefix: string, items: Iterable<readonly [ident: string, value: string | undefined]>): string {
  const parts: string[] = [];
  for (const [ident, value] of items) if (value !== undefined) parts.push(`${ident}:${value}`);
  return `${prefix}{${parts.join(',')}}`;
}
