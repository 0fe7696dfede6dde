import { decodeBsdata, decodeBsuint } from '../base/bsuint.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { Packet } from './packet.ts';
import { decodeAdd, decodeHashcodes, decodeJson, decodeNumber, decodeOneHashcode, decodeRange, decodeTextAnd } from './payload.ts';
import { END_TAG, REQUEST, REQUEST_FLAG, RESPONSE_FLAG, requestName } from './requests.ts';

/** Maximum octets of a payload that are shown. */
const SHOWN = 24;

type Show = (payload: Uint8Array, flags: number) => string;

const hashcode: Show = (payload) => hashcodeLabel(decodeOneHashcode(payload));
const nothing: Show = (payload) => (payload.length === 0 ? '' : octets(payload));
const named: Show = (payload) => {
  const { text, rest } = decodeTextAnd(payload);
  return `${JSON.stringify(text)}${rest.length === 0 ? '' : ` ${octets(rest)}`}`;
};
const range: Show = (payload, flags) => {
  const { hashName, start, isAfter, length } = decodeRange(flags, payload);
  const from = start === undefined ? '' : ` ${isAfter ? 'after' : 'from'} ${hashcodeLabel(start)}`;
  return `${JSON.stringify(hashName)}${from} length ${length}`;
};
const hashcodes: Show = (payload) => {
  const found = decodeHashcodes(payload);
  const first = found[0];
  return `${found.length} hashcodes${first === undefined ? '' : ` from ${hashcodeLabel(first)}`}`;
};

/** Formatters for the payloads of requests. */
const REQUESTS: Readonly<Record<number, Show>> = {
  [REQUEST.add]: (payload) => {
    const { hashName, data } = decodeAdd(payload);
    return `${hashName ?? 'unknown hash'} ${octets(data)}`;
  },
  [REQUEST.get]: hashcode,
  [REQUEST.contains]: hashcode,
  [REQUEST.containsIndirect]: hashcode,
  [REQUEST.hashcodes]: range,
  [REQUEST.hashcodesHash]: range,
  [REQUEST.archiveLast]: named,
  [REQUEST.archiveList]: named,
  [REQUEST.archiveUpdate]: named,
  [REQUEST.entryLast]: named,
  [REQUEST.entries]: named,
  [REQUEST.entryAppend]: named,
  [REQUEST.entryWatch]: named,
  [REQUEST.entryNews]: (payload) => JSON.stringify(Buffer.from(payload).toString('utf8')),
};

/** Formatters for the payloads of responses. */
const RESPONSES: Readonly<Record<number, Show>> = {
  [REQUEST.add]: hashcode,
  [REQUEST.hashcodes]: hashcodes,
  [REQUEST.hashcodesHash]: hashcodes,
  [REQUEST.length]: (payload) => String(decodeNumber(payload)),
  [REQUEST.records]: (payload) => {
    const { value, next } = decodeBsuint(payload, 0);
    return `${value} answered, ${payload.length - next} bytes of records`;
  },
};

/**
 * Describes a packet in one line, for `--trace-wire` and messages.
 *
 * @param answered - for a response, the number of its request
 */
export function formatPacket(packet: Packet, answered?: number): string {
  const { tag, channel, request, flags, payload } = packet;
  const words = [`tag ${tag}`];
  if (channel !== 0) words.push(`channel ${channel}`);
  if (request === REQUEST.end && payload.length === 0 && (tag === END_TAG.stream || tag === END_TAG.requests)) {
    return [...words, tag === END_TAG.stream ? 'end of stream' : 'end of requests'].join(' ');
  }
  if (request !== undefined) {
    const own = flags & ~REQUEST_FLAG.json;
    words.push(requestName(request));
    if (own !== 0) words.push(`flags 0x${own.toString(16)}`);
    words.push(body(payload, own, (flags & REQUEST_FLAG.json) !== 0, REQUESTS[request] ?? nothing));
  } else {
    const own = flags & ~(RESPONSE_FLAG.ok | RESPONSE_FLAG.json);
    const isDone = (flags & RESPONSE_FLAG.ok) !== 0;
    words.push(answered === undefined ? 'response' : `response to ${requestName(answered)}`, isDone ? 'ok' : 'failed');
    if (own !== 0) words.push(own === RESPONSE_FLAG.yes ? 'yes' : `flags 0x${own.toString(16)}`);
    const show: Show = isDone ? ((answered === undefined ? undefined : RESPONSES[answered]) ?? nothing) : reason;
    words.push(body(payload, own, (flags & RESPONSE_FLAG.json) !== 0, show));
  }
  return words.filter((word) => word !== '').join(' ');
}

function body(payload: Uint8Array, flags: number, hasJson: boolean, show: Show): string {
  try {
    if (!hasJson) return show(payload, flags);
    const { next } = decodeBsdata(payload, 0);
    const { json, rest } = decodeJson(payload.subarray(0, next));
    const more = payload.subarray(next);
    return [JSON.stringify(json), rest.length + more.length === 0 ? '' : show(more, flags)].filter((word) => word !== '').join(' ');
  } catch (error) {
    return `${octets(payload)} (${error instanceof Error ? error.message : String(error)})`;
  }
}

function reason(payload: Uint8Array): string {
  return payload.length === 0 ? '' : JSON.stringify(Buffer.from(payload).toString('utf8'));
}

function octets(data: Uint8Array): string {
  const hex = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, SHOWN)).toString('hex');
  return `${hex}${data.length > SHOWN ? '…' : ''}(${data.length})`;
}
