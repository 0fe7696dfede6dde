import type { Octets } from '../../core/base/octets.ts';
import type { Filesystem } from '../filesystem.ts';

/** Our own attributes begin so; in Linux's namespace of users they have `user.` before it. */
const OURS = 'x-vt-';

/** A filesystem whose own attributes are found with and without `user.` before their names. */
export function withBothXattrNames(filesystem: Filesystem): Filesystem {
  return {
    ...filesystem,
    getxattr: (ino, name, caller) => filesystem.getxattr(ino, fullName(name), caller),
    removexattr: (ino, name, caller) => filesystem.removexattr(ino, fullName(name), caller),
    setxattr: (ino, name, value, flags, caller) => filesystem.setxattr(ino, fullName(name), value, flags, caller),
  };
}

function fullName(name: Octets): Octets {
  return name.startsWith(OURS) ? (`user.${name}` as Octets) : name;
}
