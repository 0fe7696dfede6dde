import type { IncomingHttpHeaders } from 'node:http';

/** The validators of a representation. @see RFC 9110, 8.8 */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly lastModified?: Date | undefined;
}

/**
 * The status that the conditions of a GET or HEAD lead to, in the order of RFC 9110, 13.2.2.
 *
 * @returns undefined if the request is to be answered normally
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

/** Whether a Range applies: `If-Range` is absent, or names this representation. @see RFC 9110, 13.1.5 */
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

/** Whole seconds, since HTTP dates have no fraction. */
function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
