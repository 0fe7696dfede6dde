import { closeSync, openSync, read, writeSync } from 'node:fs';
import { nativeLibrary } from '../../../core/base/system/libc.ts';
import { makeRandom } from '../random.ts';

/**
 * A link between two network devices, as netem of the kernel makes it, which many kernels come without: `slow-link-relay
 * NAME NAME DELAY_MS LOSS_PERCENT SEED` makes two TUN devices, says `ready`, and carries each packet of one to the other so
 * many milliseconds later, but loses some, the same ones for the same seed and traffic. It runs until it is killed; the
 * devices go with it.
 */

const [first = '', second = '', delayText = '', lossText = '', seedText = ''] = process.argv.slice(2);
const delayMs = Number(delayText);
const lossPercent = Number(lossText);
const random = makeRandom(Number(seedText));

// linux/if_tun.h, linux/if.h
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_SIZE = 40;
const FLAGS_AT = 16;
/** Packets under way in a direction, as many as netem keeps by default; more are lost. */
const MOST_UNDER_WAY = 1000;
const MAX_PACKET = 65_536;

interface Packet {
  readonly data: Uint8Array;
  readonly dueMs: number;
}

/** Opens a device that exists as long as it is open. */
function openDevice(name: string): number {
  const ioctl = nativeLibrary()?.bind('ioctl', 'int', ['int', 'ulong', 'void *']);
  if (ioctl === undefined) throw new Error('slow-link: the C library cannot be called');
  const fd = openSync('/dev/net/tun', 'r+');
  const request = Buffer.alloc(IFREQ_SIZE);
  request.write(name, 0, 'latin1');
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, FLAGS_AT);
  if (ioctl(fd, TUNSETIFF, request) === 0) return fd;
  closeSync(fd);
  throw new Error(`slow-link: make device "${name}": errno ${nativeLibrary()?.errno() ?? 0}`);
}

/** Carries what comes from one device to the other. */
function carry(from: number, to: number): void {
  const underWay: Packet[] = [];
  const scratch = new Uint8Array(MAX_PACKET);
  const deliver = (): void => {
    for (let next = underWay[0]; next !== undefined && next.dueMs <= performance.now(); next = underWay[0]) {
      underWay.shift();
      try {
        writeSync(to, next.data);
      } catch {
        // A device that is down yet loses what is sent to it, as a cable would.
      }
    }
    const next = underWay[0];
    if (next !== undefined) setTimeout(deliver, Math.max(0, next.dueMs - performance.now()));
  };
  const readNext = (): void =>
    read(from, scratch, 0, MAX_PACKET, null, (error, size) => {
      // EIO while the device is down.
      if (error !== null) return void setTimeout(readNext, 10);
      const isLost = random.below(10_000) < lossPercent * 100 || underWay.length >= MOST_UNDER_WAY;
      if (!isLost) {
        underWay.push({ data: scratch.slice(0, size), dueMs: performance.now() + delayMs });
        if (underWay.length === 1) setTimeout(deliver, delayMs);
      }
      readNext();
    });
  readNext();
}

const devices = [openDevice(first), openDevice(second)] as const;
carry(devices[0], devices[1]);
carry(devices[1], devices[0]);
process.stdout.write('ready\n');
