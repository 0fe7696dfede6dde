"""The same random locks by several processes on two sides, each with one folder a process: mounts of one tree, and a local folder.

python3 locks.py SEED STEPS SIDE_A... -- LOCAL     prints the steps where the two sides differ, and exits with 1.

Only one process waits for each file, so that Linux leaves no choice who gets a lock that becomes free.
"""
import errno, fcntl, os, random, select, signal, struct, subprocess, sys, time

FILES, SLOTS = 3, 3
RECORD = {'r': fcntl.F_RDLCK, 'w': fcntl.F_WRLCK, 'u': fcntl.F_UNLCK}
WHOLE = {'r': fcntl.LOCK_SH, 'w': fcntl.LOCK_EX, 'u': fcntl.LOCK_UN}
F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
FLOCK = '@hhqqi'
MAX_SECONDS = 30


class Interrupted(Exception):
    pass


def interrupt(*_):
    raise Interrupted


def child(folder):
    """Does what each line of stdin says, and answers it with a line."""
    signal.signal(signal.SIGUSR1, interrupt)
    fds = {}
    heirs = []

    def record(fd, command, kind, start, length):
        packed = struct.pack(FLOCK, RECORD[kind], os.SEEK_SET, int(start), int(length), 0)
        return struct.unpack(FLOCK, fcntl.fcntl(fd, command, packed))

    def act(what, slot, *rest):
        if what == 'open':
            fds[slot] = os.open(f'{folder}/f{rest[0]}', os.O_RDWR)
        elif what == 'close':
            os.close(fds.pop(slot))
        elif what == 'heir':
            # A process that has the descriptor too, and keeps it until it is told.
            fds_before = fds[slot]
            ours, theirs = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(theirs)
                for fd in fds.values():
                    if fd != fds_before:
                        os.close(fd)
                os.read(ours, 1)
                os._exit(0)
            os.close(ours)
            heirs.append((pid, theirs))
        elif what == 'orphan':
            pid, pipe = heirs.pop()
            os.close(pipe)
            os.waitpid(pid, 0)
        elif what == 'flock':
            fcntl.flock(fds[slot], WHOLE[rest[0]] | (0 if rest[1] == 'wait' else fcntl.LOCK_NB))
        elif what in ('posix', 'ofd'):
            kind, wait, start, length = rest
            wanted, waiting = (fcntl.F_SETLK, fcntl.F_SETLKW) if what == 'posix' else (F_OFD_SETLK, F_OFD_SETLKW)
            record(fds[slot], waiting if wait == 'wait' else wanted, kind, start, length)
        elif what in ('test', 'ofdtest'):
            kind, start, length = rest
            command = fcntl.F_GETLK if what == 'test' else F_OFD_GETLK
            found, _, at, size, pid = record(fds[slot], command, kind, start, length)
            # On the other side it is another process.
            return 'free' if found == fcntl.F_UNLCK else f'{found} {at} {size}'
        return 'done'

    print(os.getpid(), flush=True)
    for line in sys.stdin:
        try:
            try:
                answer = act(*line.split())
            except OSError as error:
                answer = errno.errorcode[error.errno]
        except Interrupted:
            answer = 'EINTR'
        print(answer, flush=True)


class Worker:
    def __init__(self, folder):
        self.process = subprocess.Popen([sys.executable, __file__, 'child', folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.text = b''
        self.pid = int(self.line(MAX_SECONDS))

    def tell(self, line):
        self.process.stdin.write(line.encode() + b'\n')

    def line(self, seconds):
        """The next answer; None where there is none so long."""
        end = time.monotonic() + seconds
        while b'\n' not in self.text:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                return None
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                return 'ended'
            self.text += more
        line, self.text = self.text.split(b'\n', 1)
        return line.decode()

    def end(self):
        self.process.kill()
        self.process.wait()


def blocked_inodes():
    """Files that somebody waits for a lock of, as Linux itself knows them."""
    with open('/proc/locks') as locks:
        return {int(line.split()[6].split(':')[2]) for line in locks if ' -> ' in line}


def inode_of(path):
    """The inode of a file as /proc/locks calls it, which stat(2) need not."""
    with open(path, 'r+b') as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        with open('/proc/locks') as locks:
            return next(int(line.split()[5].split(':')[2]) for line in locks if f' {os.getpid()} ' in line)


def compare(seed, steps, mounts, local):
    pick = random.Random(seed)
    inodes = [inode_of(f'{local}/f{i}') for i in range(FILES)]
    count = 3 + seed % 3
    ours = [Worker(mounts[i % len(mounts)]) for i in range(count)]
    theirs = [Worker(local) for i in range(count)]
    # What each has open, by slot; and which file it waits for.
    opened = [{} for _ in range(count)]
    heirs = [0] * count
    # Files of which each has record locks, about.
    locked = [set() for _ in range(count)]
    waiting = {}
    has_ofd_waiter = False
    done = []

    def answer_of_kernel(i, file):
        """Its answer; None where it waits."""
        end = time.monotonic() + MAX_SECONDS
        while time.monotonic() < end:
            answer = theirs[i].line(0.001)
            if answer is not None:
                return answer
            if file is not None and inodes[file] in blocked_inodes():
                return None
        raise SystemExit(f'seed {seed}: no answer from Linux to {done[-1]}')

    def check(i, expected, what):
        got = ours[i].line(MAX_SECONDS if expected is not None else 0)
        if got != expected:
            print('\n'.join(done[-40:]))
            raise SystemExit(f'seed {seed}, step {len(done)}: {what}: a local folder says {expected}, the mounts {got}')

    def courting(i):
        """What makes a circle of waits, likely: a lock of a file that somebody has who waits for one of ours."""
        for other, file in waiting.items():
            for slot, wanted in opened[i].items():
                if file in locked[i] and wanted in locked[other] and wanted != file:
                    return 'posix', slot, 'w', 'wait', 0, 0
        return None

    def settle():
        """Those who waited may have been given what they wait for."""
        for i, file in list(waiting.items()):
            answer = answer_of_kernel(i, file)
            check(i, answer, f'{i}, which waited for f{file}')
            if answer is not None:
                done.append(f'  {i} has waited: {answer}')
                del waiting[i]

    try:
        while len(done) < steps:
            i = pick.randrange(count)
            if i in waiting:
                chance = pick.random()
                if chance < 0.05:
                    done.append(f'{i} signal')
                    for worker in (ours[i], theirs[i]):
                        os.kill(worker.pid, signal.SIGUSR1)
                    del waiting[i]
                    check(i, answer_of_kernel(i, None), done[-1])
                elif chance < 0.08:
                    done.append(f'{i} killed')
                    del waiting[i]
                    for side, folder in ((ours, mounts[i % len(mounts)]), (theirs, local)):
                        side[i].end()
                        side[i] = Worker(folder)
                    opened[i], heirs[i], locked[i] = {}, 0, set()
                    settle()
                continue
            words = courting(i) if waiting else None
            words = words or step(pick, opened[i], heirs[i])
            what, slot, *rest = words
            file = opened[i].get(slot)
            # Circles of waits for locks of open files are EDEADLK in a mount, and for ever in Linux.
            if 'wait' in rest and (file in waiting.values() or has_ofd_waiter or (what == 'ofd' and len(waiting) > 0)):
                continue
            done.append(f'{i} {" ".join(map(str, words))}' + ('' if file is None else f' (f{file})'))
            if what == 'open':
                opened[i][slot] = rest[0]
            elif what == 'close':
                del opened[i][slot]
            heirs[i] += (what == 'heir') - (what == 'orphan')
            for worker in (ours[i], theirs[i]):
                worker.tell(' '.join(map(str, words)))
            answer = answer_of_kernel(i, file if 'wait' in rest else None)
            check(i, answer, done[-1])
            done[-1] += f': {answer}'
            if answer is None:
                waiting[i] = file
                has_ofd_waiter = what == 'ofd'
            elif answer == 'done' and what == 'posix':
                locked[i].add(file)
            elif what == 'close':
                locked[i].discard(file)
            settle()
            has_ofd_waiter = has_ofd_waiter and len(waiting) > 0
    finally:
        for worker in ours + theirs:
            worker.end()
    return done


def step(pick, opened, heirs):
    slot = pick.randrange(SLOTS)
    if slot not in opened:
        return 'open', slot, pick.randrange(FILES)
    chance = pick.random()
    if chance < 0.05:
        return 'close', slot
    if chance < 0.1:
        return 'heir', slot
    if chance < 0.14 and heirs > 0:
        return 'orphan', slot
    kind = pick.choice('rrwwwwu')
    wait = pick.choice(('wait', 'try'))
    # 0: to the end of the file and beyond.
    start, length = pick.choice((0, 0, 0, 5, 10, 2**62)), pick.choice((0, 0, 1, 5, 10))
    what = pick.choice(('flock', 'posix', 'posix', 'posix', 'posix', 'test', 'ofd', 'ofdtest'))
    if what == 'flock':
        return what, slot, kind, wait
    if what in ('test', 'ofdtest'):
        return what, slot, pick.choice('rw'), start, length
    return what, slot, kind, wait, start, length


if sys.argv[1] == 'child':
    child(sys.argv[2])
else:
    seed, steps, *folders = sys.argv[1:]
    at = folders.index('--')
    done = compare(int(seed), int(steps), folders[:at], folders[at + 1])
    print(len(done), 'steps;', sum(': None' in line for line in done), 'waits;', sum('EDEADL' in line for line in done), 'deadlocks')
