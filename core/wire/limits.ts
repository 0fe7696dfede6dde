import { MAX_BLOCK_SIZE } from '../block/block-size.ts';

/** Octets of a packet at most: a Block of the largest size with its record, and some room. */
export const MAX_PACKET_SIZE: number = MAX_BLOCK_SIZE + 1024 * 1024;
/** Octets of a packet at most, from a client that has not authenticated yet. */
export const MAX_STRANGE_PACKET_SIZE: number = 64 * 1024;
/** Milliseconds in which a client has to say something, and to show that it knows the secret where there is one. */
export const WELCOME_MS = 30_000;
/** Requests of one side that wait for their responses, at most. */
export const MAX_OUTSTANDING = 64;
/** Octets of requests of one side that wait for their responses, at most, unless one request alone has more. */
export const MAX_OUTSTANDING_SIZE: number = 8 * 1024 * 1024;
/** Octets that wait to be sent, at most, before the next request is read or sent. */
export const MAX_UNSENT_SIZE: number = 4 * 1024 * 1024;
/** Digests of one `has` or `records`, at most. */
export const MAX_BATCH_COUNT = 16_384;
/** Octets of records in a response from which on it is not filled any further. */
export const RESPONSE_SIZE: number = 768 * 1024;
/** Octets of memory for one packet that is used again: for the records that go into one, about a MiB, and some room. */
export const PACKET_MEMORY_SIZE: number = 1280 * 1024;
/** Such memory that is kept while nobody uses it, at most: for one side of a connection, or for all clients of a server. */
export const MAX_KEPT_PACKETS = 12;
/** Milliseconds without an octet from the other side after which it is asked whether it is there. */
export const QUIET_MS = 30_000;
/** Milliseconds without an octet from the other side after which it is taken to be gone. */
export const LOST_MS = 90_000;
/** As {@link QUIET_MS}, while somebody waits for an answer. */
export const ASKED_QUIET_MS = 5000;
/** Milliseconds of such silence after which the user gets a notice; it is looked for every {@link ASKED_QUIET_MS} / 2. */
export const TELL_MS = 7500;
/** As {@link MAX_UNSENT_SIZE}, of a server, whose clients are many. */
export const MAX_SERVED_UNSENT_SIZE: number = 1024 * 1024;
/** Octets of a packet that take no room of those that clients share. */
export const SMALL_PACKET_SIZE: number = 64 * 1024;
/** Octets that a client of a server may have under way in any case: one packet of usual size, or one response. */
export const OWN_ROOM_SIZE: number = 1280 * 1024;
/** Octets that all clients of a server may have under way together beyond that. */
export const SHARED_ROOM_SIZE: number = 32 * 1024 * 1024;
/** Milliseconds in which a client that holds room which others wait for must move {@link STALLED_SIZE} octets. */
export const STALLED_MS = 5000;
export const STALLED_SIZE: number = 64 * 1024;
/** Requests of all clients that are worked at at a time. */
export const MAX_TURNS = 8;
/** Octets of the JSON of a request, at most. */
export const MAX_REQUEST_JSON_SIZE: number = 64 * 1024;
/** Octets of the JSON of a response, at most. */
export const MAX_RESPONSE_JSON_SIZE: number = 1024 * 1024;
/** Octets that a ping carries, at most. */
export const MAX_PING_SIZE = 64;
/** Archives that one client watches at a time, at most. */
export const MAX_WATCHED = 64;
/** Pings that come without a response to what was asked, at most: one comes in 30 s. */
export const MAX_PINGS = 1000;
/** Characters of a text of the other side that are shown. */
export const MAX_TOLD = 400;
/** Superblocks to look at when a client asks whether all below one is there; with more of them the answer is no. */
export const MAX_WALKED = 16_384;
/** Faults of an archive that are told with its entries. */
export const MAX_DAMAGE_TOLD = 100;
/** Octets to which records of a client are unpacked at a time, unless one alone has more. */
export const MAX_UNPACKED_SIZE: number = 8 * 1024 * 1024;
