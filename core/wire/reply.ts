import type { Packet } from './packet.ts';
import { encodeJson, type Json } from './payload.ts';
import { REQUEST } from './requests.ts';

/** A response before it is encoded. */
export interface Reply {
  readonly isDone: boolean;
  /** The answer to a yes-or-no question. */
  readonly yes?: boolean;
  readonly json?: Json | undefined;
  /** These octets must not change any more. */
  readonly payload?: readonly Uint8Array[];
  /** Called once the payload has been sent. */
  readonly release?: (() => void) | undefined;
}

/** Answers the requests of the other side. */
export interface RequestHandler {
  /** Maximum number of requests answered at a time. */
  readonly atOnce: number;
  /** Never rejects. */
  answer(packet: Packet): Promise<Reply>;
}

/** The parts of a packet's payload, and their octets in total. */
export function partsOf({ json, payload = [] }: { readonly json?: Json | undefined; readonly payload?: readonly Uint8Array[] }): {
  readonly parts: readonly Uint8Array[];
  readonly size: number;
} {
  const parts = json === undefined ? payload : [encodeJson(json), ...payload];
  let size = 0;
  for (const part of parts) size += part.length;
  return { parts, size };
}

/**
 * Answers a request to a side that serves nothing.
 *
 * @param onNews - called with the name of an archive in which an entry was recorded
 */
export function answerToNobody({ request, payload }: Packet, onNews?: (archive: string) => void): Reply {
  if (request === REQUEST.ping) return { isDone: true };
  if (request !== REQUEST.entryNews || onNews === undefined) return { isDone: false, payload: [Buffer.from('nothing is served here')] };
  onNews(Buffer.from(payload).toString('utf8'));
  return { isDone: true };
}
