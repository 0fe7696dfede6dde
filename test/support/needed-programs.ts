import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs that tests and benchmarks run beyond those of every Debian machine, by the package that holds them. */
export const NEEDED_PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  acl: ['getfacl', 'setfacl'],
  aria2: ['aria2c'],
  attr: ['getfattr', 'setfattr'],
  binutils: ['as', 'objcopy', 'objdump'],
  'btrfs-progs': ['btrfs', 'mkfs.btrfs'],
  cadaver: ['cadaver'],
  chromium: ['chromium'],
  curl: ['curl'],
  e2fsprogs: ['chattr', 'mke2fs', 'mkfs.ext4'],
  exfatprogs: ['mkfs.exfat'],
  fish: ['fish'],
  fuse3: ['fusermount3'],
  gcc: ['cc', 'gcc'],
  git: ['git'],
  iproute2: ['ip'],
  'libarchive-tools': ['bsdtar'],
  'libcap2-bin': ['getcap', 'setcap'],
  'librsvg2-bin': ['rsvg-convert'],
  litmus: ['litmus'],
  logrotate: ['logrotate'],
  make: ['make'],
  mandoc: ['mandoc'],
  'nginx-light': ['nginx'],
  'openssh-client': ['ssh', 'ssh-keygen'],
  'openssh-server': ['sshd'],
  openssl: ['openssl'],
  procmail: ['procmail'],
  procps: ['ps', 'pgrep'],
  python3: ['python3'],
  rclone: ['rclone'],
  rsync: ['rsync'],
  rsyslog: ['rsyslogd'],
  strace: ['strace'],
  time: ['time'],
  tmux: ['tmux'],
  unzip: ['unzip'],
  varnish: ['varnishd'],
  wget: ['wget'],
  wrk: ['wrk'],
  zip: ['zip'],
  zsh: ['zsh'],
};

/**
 * Packages without programs: headers for the compiler, and a library of the driver fuse-native. Those of Ceph are large, and Squid starts a
 * daemon: where they are not installed their tests are skipped.
 */
export const NEEDED_PACKAGES: readonly string[] = ['ceph-common', 'ceph-mon', 'ceph-osd', 'libc6-dev', 'libfuse2', 'radosgw', 'squid'];

/** Programs that Debian's essential packages hold, and those that tests bring along. */
export const PRESENT_PROGRAMS: ReadonlySet<string> = new Set([
  ...[
    'cat',
    'chmod',
    'chown',
    'cp',
    'date',
    'dd',
    'diff',
    'du',
    'echo',
    'false',
    'find',
    'grep',
    'head',
    'ln',
    'logger',
    'ls',
    'mkdir',
    'mkfifo',
    'rm',
    'sleep',
    'stat',
    'sync',
    'tar',
    'touch',
    'true',
    'truncate',
  ],
  ...['bash', 'sh', 'script', 'mount', 'setpriv', 'umount', 'unshare', 'which', 'node', 'npm'],
]);

/** Whether a program can be run: it stands in a folder of `path`. */
export function isInstalled(program: string, path: string = process.env['PATH'] ?? ''): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
