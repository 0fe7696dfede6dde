/**
 * Request numbers as in packets. Up to `containsIndirect` they are those of the Python vt plus one;
 * the others are ours. @see vt(7), "PACKET PROTOCOL"
 */
export const REQUEST = {
  /** With tag 1: its sender sends no more requests. With tag 0: this is its last packet. */
  end: 0,
  add: 1,
  get: 2,
  contains: 3,
  flush: 4,
  hashcodes: 5,
  hashcodesHash: 6,
  archiveLast: 7,
  archiveUpdate: 8,
  archiveList: 9,
  length: 10,
  containsIndirect: 11,
  hello: 64,
  authenticate: 65,
  ping: 66,
  has: 67,
  records: 68,
  addRecords: 69,
  entryLast: 70,
  entries: 71,
  entryAppend: 72,
  hasNote: 73,
  addNote: 74,
  archiveNames: 75,
  entryWatch: 76,
  /** From server to client: an entry was recorded in an archive that the client watches. */
  entryNews: 77,
  control: 78,
} as const;

/** Tags of `REQUEST.end`. */
export const END_TAG = { stream: 0, requests: 1 } as const;

/** The first tag of a request other than `end`. */
export const FIRST_TAG = 2;

const NAMES = new Map<number, string>(Object.entries(REQUEST).map(([name, value]) => [value, name]));

/** The name of a request, for messages. */
export function requestName(request: number): string {
  return NAMES.get(request) ?? `request ${request}`;
}

/** Flags that all requests have; lower bits depend on the request. */
export const REQUEST_FLAG = {
  /** The payload begins with JSON, as bsdata. */
  json: 0x08,
} as const;

/** Flags of a response. */
export const RESPONSE_FLAG = {
  /** The request succeeded; otherwise the payload says why not. */
  ok: 0x01,
  /** The answer to a yes-or-no question; for `get`, whether there is a Block. */
  yes: 0x02,
  /** The payload begins with JSON, as bsdata. */
  json: 0x10,
} as const;
