import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { run } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Rounds of the random part; the long form sets more. */
const ROUNDS = Number(process.env['VTFTP_LISTING_ROUNDS'] ?? 3);

/** Rounds of one process, which is ended after minutes. */
const ROUNDS_AT_ONCE = 5;

/** Names that stay throughout. */
const NAMES = Number(process.env['VTFTP_LISTING_NAMES'] ?? 6000);

/** Python that lists a directory by getdents64(2) itself, a few entries at a time. */
const LISTING = `
import ctypes, os, random, struct, sys
libc = ctypes.CDLL(None, use_errno=True)

def some(fd, size=4096):
    """The next entries of an open directory: names with the offsets after them."""
    room = ctypes.create_string_buffer(size)
    count = libc.syscall(217, fd, room, size)
    if count < 0: raise OSError(ctypes.get_errno(), 'getdents64')
    at, found = 0, []
    while at < count:
        ino, off, length = struct.unpack_from('<QqH', room.raw, at)
        found.append((room.raw[at + 19:at + length].split(b'\\0')[0].decode(), off))
        at += length
    return found

def rest(fd):
    names = []
    while True:
        found = some(fd)
        if not found: return names
        names += [name for name, _ in found]

def drop_caches():
    with open('/proc/sys/vm/drop_caches', 'w') as file: file.write('1')

def opened(path): return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
`;

describe('the listing of a large Dir through a mount', { skip: noMountsHere() ?? false }, () => {
  it('continues at an offset of another handle, also after names came and went', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const done = await run(
      'python3',
      [
        '-c',
        `${LISTING}
os.mkdir('d')
for i in range(3000): open(f'd/{i:05}', 'w').close()
first = opened('d')
offsets = {}
while True:
    found = some(first)
    if not found: break
    offsets.update(found)
order = list(offsets)
assert len(set(offsets.values())) == len(order) == 3002
for place in (0, 1, 2, 700, 1500, 3000, 3001):
    other = opened('d')
    drop_caches()
    os.lseek(other, offsets[order[place]], os.SEEK_SET)
    assert rest(other) == order[place + 1:], place
    os.close(other)
os.unlink('d/00001'); os.unlink('d/02000'); open('d/00000a', 'w').close()
other = opened('d')
os.lseek(other, offsets['01000'], os.SEEK_SET)
assert [name for name in rest(other) if name != '02000'] == [f'{i:05}' for i in range(1001, 3000) if i != 2000]
os.lseek(other, 0, os.SEEK_SET)
assert sorted(rest(other)) == sorted(os.listdir('d') + ['.', '..'])
`,
      ],
      { cwd: mount.path },
    );
    assert.equal(done.status, 0, done.report);
  });

  it('gives every name that stays, once, while the kernel drops its pages and names come and go', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const seed = Number(process.env['VTFTP_SEED'] ?? Math.floor(Math.random() * 1e9));
    t.diagnostic(`seed ${seed}`);
    for (let first = 0; first < ROUNDS; first += ROUNDS_AT_ONCE) {
      const done = await run(
        'python3',
        [
          '-c',
          `${LISTING}
random.seed(${seed + first})
os.makedirs('d', exist_ok=True)
stay = {f'stay{i:06}' for i in range(${NAMES})}
for name in stay - set(os.listdir('d')): open('d/' + name, 'w').close()
coming = ${1000 * first}
for round in range(${first}, ${Math.min(ROUNDS, first + ROUNDS_AT_ONCE)}):
    warm = opened('d'); rest(warm); os.close(warm)
    fd, names, drop = opened('d'), [], random.randrange(len(stay))
    while True:
        found = some(fd, random.choice((512, 4096, 32768)))
        if not found: break
        names += [name for name, _ in found]
        if len(names) > drop: drop_caches(); drop += random.randrange(len(stay))
        if random.random() < 0.1 and ${'round % 2'}:
            coming += 1
            open(f'd/{random.choice("az")}coming{coming}', 'w').close()
            if coming > ${1000 * first + 3}:
                for end in 'az':
                    path = f'd/{end}coming{coming - 3}'
                    if os.path.exists(path): os.unlink(path)
    os.close(fd)
    kept = [name for name in names if name in stay]
    assert len(kept) == len(stay) and set(kept) == stay, (round, len(kept), len(names))
    assert len(names) == len(set(names)), round
`,
        ],
        { cwd: mount.path },
      );
      assert.equal(done.status, 0, done.report);
    }
  });
});
