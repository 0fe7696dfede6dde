import { VtError } from '../core/base/errors.ts';
import type { Mount, MountOptions } from './driver.ts';
import type { Filesystem } from './filesystem.ts';

/** Mounts by the chosen driver. @throws {VtError} EOPEN if that fails, EUNSUPPORTED if the driver is not for this system */
export async function mountBy(filesystem: Filesystem, options: MountOptions): Promise<Mount> {
  if (options.driver === 'kernel') {
    if (process.platform !== 'linux')
      throw new VtError('EUNSUPPORTED', 'mount: the kernel driver is for Linux', { remedy: 'mount -o driver=fuse-native' });
    const { mountKernel } = await import('./kernel/kernel-mount.ts');
    return await mountKernel(filesystem, options);
  }
  const { mountNative } = await import('./native/native-mount.ts');
  return await mountNative(filesystem, options);
}
