import { systemOwnerNames } from '../../core/base/system/owner-names.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { CommandContext } from '../command.ts';

/** Metadata of a node that a command makes: owner and group of this process, and the present time. */
export function newMeta({ now }: Pick<CommandContext, 'now'>, mode: number): Meta {
  const owners = systemOwnerNames();
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  const user = uid === undefined ? undefined : owners.userName(uid);
  const group = gid === undefined ? undefined : owners.groupName(gid);
  return {
    mode,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    mtimeNs: BigInt(now().getTime()) * 1_000_000n,
  };
}

/** Permissions of a new Dir and of a new file under the umask of this process. */
export function newMode(kind: 'dir' | 'file'): number {
  return (kind === 'dir' ? 0o777 : 0o666) & ~process.umask();
}
