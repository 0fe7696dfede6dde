import type { IncomingHttpHeaders } from 'node:http';

/** What a representation is known by. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly lastModified?: Date | undefined;
}

/**
 * The status that conditions of a GET or HEAD decide, in the order of RFC 9110, 13.2.2.
 *
 * @returns undefined where the request continues
 */
export function conditionStatus(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): 304 | 412 | undefined {
  const match = headers['if-match'];
  if (match !== undefined) {
    if (!matchesStrongly(match, etag)) return 412;
  } else {
    const limit = parseDate(headers['if-unmodified-since']);
    if (limit !== undefined && lastModified !== undefined && seconds(lastModified) > seconds(limit)) return 412;
  }
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) return matchesWeakly(noneMatch, etag) ? 304 : undefined;
  const since = parseDate(headers['if-modified-since']);
  return since !== undefined && lastModified !== undefined && seconds(lastModified) <= seconds(since) ? 304 : undefined;
}

/** Whether `If-Range` lets a Range count: it is absent, or names this very representation. @see RFC 9110, 13.1.5 */
export function rangeApplies(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean {
  const header = headers['if-range'];
  if (header === undefined) return true;
  if (typeof header !== 'string') return false;
  if (header.startsWith('"') || header.startsWith('W/')) return header === etag;
  const date = parseDate(header);
  return date !== undefined && lastModified !== undefined && seconds(date) === seconds(lastModified);
}

function matchesStrongly(header: string, etag: string): boolean {
  return header.trim() === '*' || tagsOf(header).includes(etag);
}

function matchesWeakly(header: string, etag: string): boolean {
  return header.trim() === '*' || tagsOf(header).some((tag) => tag.replace(/^W\//, '') === etag);
}

function tagsOf(header: string): readonly string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function parseDate(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** HTTP's dates have no fraction. */
function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
