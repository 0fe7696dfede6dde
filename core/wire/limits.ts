import { MAX_BLOCK_SIZE } from '../block/block-size.ts';

/** Maximum octets of a packet: a Block of the largest size with its record, and some room. */
export const MAX_PACKET_SIZE: number = MAX_BLOCK_SIZE + 1024 * 1024;
/** Maximum octets of a packet from a client that has not authenticated yet. */
export const MAX_STRANGE_PACKET_SIZE: number = 64 * 1024;
/** Milliseconds within which a client must send a request, and authenticate if there are secrets. */
export const WELCOME_MS = 30_000;
/** Maximum number of requests of one side that wait for their responses. */
export const MAX_OUTSTANDING = 64;
/** Maximum octets of requests of one side that wait for their responses; a single request may exceed it. */
export const MAX_OUTSTANDING_SIZE: number = 8 * 1024 * 1024;
/** With more unsent octets than this, no further request is answered. */
export const MAX_UNSENT_SIZE: number = 4 * 1024 * 1024;
/** Maximum number of digests in one `has` or `records`. */
export const MAX_BATCH_COUNT = 16_384;
/** A response with at least this many octets of records gets no more. */
export const RESPONSE_SIZE: number = 768 * 1024;
/** Octets of a reusable packet buffer: for one packet of records, about 1 MiB, and some room. */
export const PACKET_MEMORY_SIZE: number = 1280 * 1024;
/** Maximum number of unused packet buffers kept, by one side of a connection or for all clients of a server. */
export const MAX_KEPT_PACKETS = 12;
/** After this many milliseconds without an octet from the other side, it is sent a ping. */
export const QUIET_MS = 30_000;
/** After this many milliseconds without an octet from the other side, the connection counts as lost. */
export const LOST_MS = 90_000;
/** As {@link QUIET_MS}, while a request waits for its response. */
export const ASKED_QUIET_MS = 5000;
/** Milliseconds of such silence before the user gets a notice; checked every {@link ASKED_QUIET_MS} / 2. */
export const TELL_MS = 7500;
/** As {@link MAX_UNSENT_SIZE}, for a server, which has many clients. */
export const MAX_SERVED_UNSENT_SIZE: number = 1024 * 1024;
/** Packets up to this many octets do not count against the memory that clients share. */
export const SMALL_PACKET_SIZE: number = 64 * 1024;
/** Octets of packet memory that each client of a server has for itself: one packet of usual size, or one response. */
export const OWN_ROOM_SIZE: number = 1280 * 1024;
/** Octets of packet memory that all clients of a server share beyond that. */
export const SHARED_ROOM_SIZE: number = 32 * 1024 * 1024;
/** A client that holds memory which others wait for must move {@link STALLED_SIZE} octets in this many milliseconds. */
export const STALLED_MS = 5000;
/** Octets: see {@link STALLED_MS}. */
export const STALLED_SIZE: number = 64 * 1024;
/** Maximum number of requests, of all clients, that are processed at a time. */
export const MAX_TURNS = 8;
/** Maximum octets of the JSON of a request. */
export const MAX_REQUEST_JSON_SIZE: number = 64 * 1024;
/** Maximum octets of the JSON of a response. */
export const MAX_RESPONSE_JSON_SIZE: number = 1024 * 1024;
/** Maximum octets of a ping's payload that are echoed. */
export const MAX_PING_SIZE = 64;
/** Maximum number of archives that one client watches at a time. */
export const MAX_WATCHED = 64;
/** Maximum number of requests that a server sends between two responses. Pings come every 30 s. */
export const MAX_PINGS = 1000;
/** Maximum characters shown of a text from the other side. */
export const MAX_TOLD = 400;
/** Maximum superblocks read when a client asks whether all Blocks below one exist; with more the answer is no. */
export const MAX_WALKED = 16_384;
/** Maximum faults of an archive that are reported with its entries. */
export const MAX_DAMAGE_TOLD = 100;
/** Maximum octets of a client's records decompressed at a time; a single record may exceed it. */
export const MAX_UNPACKED_SIZE: number = 8 * 1024 * 1024;
