import type { Octets } from '../../core/base/octets.ts';

/** The xattr of a mount's top Dir whose value, when it is set, is a line that binds or merges; read, it tells how the last one ended. */
export const CONTROL_XATTR = 'user.x-vt-control' as Octets;
/** The xattr of a mount's top Dir that names its control socket. */
export const SOCKET_XATTR = 'user.x-vt-socket' as Octets;
