"""The same random operations through several mounts of one live tree with an attached shell, and through bind mounts of a local folder.

python3 many-mounts.py SEED STEPS WRITEBACK A B C SHELL... -- LOCAL LOCAL_BELOW

A and B show the whole tree and C its Dir `below`, LOCAL and LOCAL_BELOW the same of a folder. SHELL is a command whose shell is attached to A.
WRITEBACK is 1 where the kernel collects the writes of A. Prints the step where the two sides differ, and exits with 1.

Left out are the differences that vtftp(1) names: shared mappings by who opened a file for writing, or while somebody had it open for that; devices
and inode numbers; files that others cut off while A, with writeback, has them open; and where an append leaves a file that others have cut off.
"""
import errno, fcntl, hashlib, json, mmap, os, random, shutil, stat, struct, subprocess, sys

seed, steps, writeback = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == '1'
split = sys.argv.index('--')
OURS = sys.argv[4:7]
THEIRS = [sys.argv[split + 1], sys.argv[split + 1], sys.argv[split + 2]]
rnd = random.Random(seed)
F_OFD_SETLK = 37
MAX_HANDLES, MAX_SIZE = 12, 300_000


class Shell:
    """A shell that reads lines from a pipe; it is attached to a mount."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.say('set onerror continue')

    def say(self, line):
        self.child.stdin.write(line + '\n')
        self.child.stdin.flush()
        while True:
            answer = self.child.stdout.readline()
            if answer == '': raise SystemExit(f'the shell has ended at: {line}')
            record = json.loads(answer)
            if record.get('done'): return record


class Handle:
    def __init__(self, view, flags, ours, theirs):
        self.view, self.flags, self.ours, self.theirs = view, flags, ours, theirs
        self.maps = []
        # Where an append leaves it is what a kernel knew of the size, if others have cut the file off since.
        self.is_astray = False
        # Until it is closed a shared mapping is refused.
        self.is_direct = bool(flags & (os.O_RDWR | os.O_WRONLY)) or (view == 0 and writeback and is_open_to_write(theirs))

    def close(self):
        for pair in self.maps:
            for each in pair: each.close()
        return both(lambda side: os.close((self.ours, self.theirs)[side]))


shell = Shell(sys.argv[7:split])
handles, did, held = [], [], {}


def outcome(call, side):
    try:
        return call(side)
    except OSError as error:
        return errno.errorcode[error.errno]


def both(call):
    """What a call comes to on each side. It gets 0 for ours and 1 for the other."""
    return outcome(call, 0), outcome(call, 1)


def at(side, view, path):
    return os.path.join((OURS, THEIRS)[side][view], path)


def some_path(view):
    folder = rnd.choice(('', '', 'deep/') if view == 2 else ('', '', 'below/', 'below/', 'below/deep/', 'other/'))
    return folder + rnd.choice(('f0', 'f1', 'f2', 'f3', 'd0'))


def data():
    return bytes([rnd.randrange(97, 123)]) * rnd.choice((1, 7, 100, 4096, 5000, 70_000))


def offset():
    return rnd.choice((0, 1, 4095, 4096, rnd.randrange(MAX_SIZE // 2)))


def node_of(path):
    try:
        found = os.stat(path)
        return found.st_dev, found.st_ino
    except OSError:
        return None


def is_open_in_first(path=None, handle=None):
    """Whether A has a file open: with writeback it does not see what others cut off."""
    node = node_of(handle.theirs if handle else path)
    return writeback and any(each.view == 0 and node_of(each.theirs) == node for each in handles)


def is_open_to_write(fd):
    node = node_of(fd)
    return any(each.flags & (os.O_RDWR | os.O_WRONLY) and node_of(each.theirs) == node for each in handles)


def cut_elsewhere(node, view):
    for each in handles:
        if each.view != view and each.flags & os.O_APPEND and node_of(each.theirs) == node: each.is_astray = True


def open_one():
    view, path = rnd.randrange(3), None
    path = some_path(view)
    flags = rnd.choice((os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                        os.O_RDWR | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.O_RDWR | os.O_APPEND))
    if flags & os.O_TRUNC and is_open_in_first(at(1, view, path)): return 'nothing', (0, 0)
    if flags & os.O_TRUNC: cut_elsewhere(node_of(at(1, view, path)), view)
    fds = both(lambda side: os.open(at(side, view, path), flags, 0o640))
    if all(isinstance(fd, int) for fd in fds):
        opened = Handle(view, flags, *fds)
        # What a place in an open directory is is each filesystem's own.
        if stat.S_ISDIR(os.fstat(fds[1]).st_mode): opened.close()
        else: handles.append(opened)
        if len(handles) > MAX_HANDLES: handles.pop(0).close()
        fds = (0, 0)
    return f'open {view} {path} {flags:o}', fds


def on_handle():
    if not handles: return open_one()
    handle = rnd.choice(handles)
    fd = lambda side: (handle.ours, handle.theirs)[side]
    kind = rnd.choice(('write', 'write', 'pwrite', 'pwrite', 'read', 'pread', 'pread', 'seek', 'cut', 'size', 'sync', 'close', 'flock', 'lock',
                       'map', 'mapped', 'allocate', 'mode'))
    what = f'{kind} handle {handles.index(handle)} (view {handle.view}, {handle.flags:o})'
    if kind == 'write':
        octets = data()
        return f'{what} {len(octets)}', both(lambda side: os.write(fd(side), octets))
    if kind == 'pwrite':
        octets, where = data(), offset()
        return f'{what} {len(octets)} at {where}', both(lambda side: os.pwrite(fd(side), octets, where))
    if kind == 'read':
        size = rnd.randrange(9000)
        if handle.is_astray: return 'nothing', (0, 0)
        return f'{what} {size}', both(lambda side: os.read(fd(side), size))
    if kind == 'pread':
        size, where = rnd.randrange(1, 200_000), offset()
        return f'{what} {size} at {where}', both(lambda side: os.pread(fd(side), size, where))
    if kind == 'seek':
        where, whence = offset(), rnd.choice((os.SEEK_SET, os.SEEK_END))
        return f'{what} {where} {whence}', both(lambda side: os.lseek(fd(side), -min(where, 10) if whence else where, whence))
    if kind == 'cut':
        if is_open_in_first(handle=handle) and handle.view != 0: return 'nothing', (0, 0)
        size = offset()
        if size < os.fstat(handle.theirs).st_size: cut_elsewhere(node_of(handle.theirs), handle.view)
        return f'{what} to {size}', both(lambda side: os.ftruncate(fd(side), size))
    if kind == 'size':
        return what, both(lambda side: (os.fstat(fd(side)).st_size, os.fstat(fd(side)).st_nlink, os.fstat(fd(side)).st_mode))
    if kind == 'sync':
        return what, both(lambda side: rnd_sync(fd(side)))
    if kind == 'mode':
        mode = rnd.choice((0o600, 0o644, 0o751))
        return f'{what} {mode:o}', both(lambda side: os.fchmod(fd(side), mode))
    if kind == 'allocate':
        where, size = offset(), rnd.randrange(1, 50_000)
        return f'{what} {where} {size}', both(lambda side: os.posix_fallocate(fd(side), where, size))
    if kind == 'flock':
        how = rnd.choice((fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN))
        return f'{what} {how}', both(lambda side: fcntl.flock(fd(side), how | fcntl.LOCK_NB))
    if kind == 'lock':
        how, start, size = rnd.choice((fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK)), rnd.randrange(100), rnd.randrange(100)
        flock = struct.pack('@hhqqi', how, os.SEEK_SET, start, size, 0)
        return f'{what} {how} {start} {size}', both(lambda side: fcntl.fcntl(fd(side), F_OFD_SETLK, flock) and 0)
    if kind == 'map':
        if handle.maps or handle.is_direct: return 'nothing', (0, 0)
        pair = both(lambda side: mmap.mmap(fd(side), 0, mmap.MAP_SHARED, mmap.PROT_READ) if os.fstat(fd(side)).st_size else 'empty')
        if all(isinstance(each, mmap.mmap) for each in pair):
            handle.maps.append(pair)
            pair = (len(pair[0]), len(pair[1]))
        return what, pair
    if kind == 'mapped':
        if not handle.maps: return 'nothing', (0, 0)
        # Beyond the end, of which nothing is promised in the last page, there is a signal.
        end = min(os.fstat(handle.ours).st_size, os.fstat(handle.theirs).st_size, len(handle.maps[0][0]))
        return f'{what} {end}', both(lambda side: hashlib.sha1(handle.maps[0][side][:end]).hexdigest())
    handles.remove(handle)
    return what, handle.close()


def rnd_sync(fd):
    (os.fsync if len(did) % 2 else os.fdatasync)(fd)


def on_path():
    view = rnd.randrange(3)
    path, other = some_path(view), some_path(view)
    kind = rnd.choice(('rename', 'rename', 'rename', 'unlink', 'unlink', 'mkdir', 'rmdir', 'link', 'symlink', 'readlink', 'stat', 'stat', 'cut',
                       'mode', 'list', 'read', 'read', 'append', 'utime', 'xattr', 'getxattr'))
    what = f'{kind} {view} {path} {other}'
    if kind == 'rename': return what, both(lambda side: os.rename(at(side, view, path), at(side, view, other)))
    if kind == 'unlink': return what, both(lambda side: os.unlink(at(side, view, path)))
    if kind == 'mkdir': return what, both(lambda side: os.mkdir(at(side, view, path), 0o750))
    if kind == 'rmdir': return what, both(lambda side: os.rmdir(at(side, view, path)))
    if kind == 'link': return what, both(lambda side: os.link(at(side, view, path), at(side, view, other), follow_symlinks=False))
    if kind == 'symlink': return what, both(lambda side: os.symlink(other, at(side, view, path)))
    if kind == 'readlink': return what, both(lambda side: os.readlink(at(side, view, path)))
    if kind == 'stat': return what, both(lambda side: state_of(at(side, view, path)))
    if kind == 'cut':
        if view != 0 and is_open_in_first(at(1, view, path)): return 'nothing', (0, 0)
        size = offset()
        if os.path.isfile(at(1, view, path)) and size < os.path.getsize(at(1, view, path)): cut_elsewhere(node_of(at(1, view, path)), view)
        return f'{what} {size}', both(lambda side: os.truncate(at(side, view, path), size))
    if kind == 'mode':
        mode = rnd.choice((0o600, 0o644, 0o751))
        return f'{what} {mode:o}', both(lambda side: os.chmod(at(side, view, path), mode))
    if kind == 'list': return what, both(lambda side: sorted(os.listdir(os.path.dirname(at(side, view, path)))))
    if kind == 'read': return what, both(lambda side: content_of(at(side, view, path)))
    if kind == 'append':
        octets = data()
        return f'{what} {len(octets)}', both(lambda side: append(at(side, view, path), octets))
    if kind == 'utime':
        when = rnd.randrange(2 * 10**18)
        return f'{what} {when}', both(lambda side: os.utime(at(side, view, path), ns=(when, when)) or os.stat(at(side, view, path)).st_mtime_ns)
    if kind == 'xattr':
        return what, both(lambda side: os.setxattr(at(side, view, path), 'user.some', other.encode()))
    return what, both(lambda side: os.getxattr(at(side, view, path), 'user.some'))


def append(path, octets):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try: return os.write(fd, octets)
    finally: os.close(fd)


def state_of(path):
    found = os.lstat(path)
    return found.st_mode, found.st_nlink if not os.path.isdir(path) else 0, found.st_size if os.path.isfile(path) else 0


def content_of(path):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        with os.fdopen(fd, 'rb', closefd=False) as file: return hashlib.sha1(file.read()).hexdigest()
    finally: os.close(fd)


def by_shell():
    """A line of the shell; the other side does what it says. Each is one that only does what its words are."""
    local = THEIRS[0]
    path, other = some_path(0), some_path(0)
    target, source = os.path.join(local, path), os.path.join(local, other)
    parent_is_there = os.path.isdir(os.path.dirname(target)) and not os.path.islink(os.path.dirname(target))
    is_free = parent_is_there and not os.path.lexists(target)
    is_file = lambda each: os.path.isfile(each) and not os.path.islink(each)
    kind = rnd.choice(('put', 'put', 'put', 'mkdir', 'rm', 'mv', 'cp', 'chmod', 'sync'))
    if kind == 'put' and (is_free or (parent_is_there and is_file(target))):
        octets = data() + data()
        with open(os.path.join(local, '..', 'given'), 'wb') as file: file.write(octets)
        os.chmod(file.name, 0o644)
        line = f'put {os.path.abspath(file.name)} /{path}'
        do = lambda: (shutil.copy2(file.name, target + '.new'), os.rename(target + '.new', target))
    elif kind == 'mkdir' and is_free:
        line, do = f'mkdir /{path}', lambda: (os.mkdir(target), os.chmod(target, 0o755))
    elif kind == 'rm' and os.path.lexists(target) and (not os.path.isdir(target) or os.path.islink(target)):
        line, do = f'rm /{path}', lambda: os.unlink(target)
    elif kind == 'mv' and is_free and is_file(source):
        line, do = f'mv /{other} /{path}', lambda: os.rename(source, target)
    elif kind == 'cp' and is_free and is_file(source):
        line, do = f'cp /{other} /{path}', lambda: shutil.copy2(source, target)
    elif kind == 'chmod' and is_file(target):
        line, do = f'chmod 640 /{path}', lambda: os.chmod(target, 0o640)
    else:
        line, do = 'sync', lambda: None
    said = shell.say(line)
    do()
    return f'shell: {line}', ((said['status'], said.get('error')), (0, None))


def listing(side, view):
    found = []
    top = (OURS, THEIRS)[side][view]
    for folder, dirs, files in os.walk(top):
        dirs.sort()
        for name in sorted(dirs + files):
            path = os.path.join(folder, name)
            found.append((os.path.relpath(path, top), state_of(path), os.readlink(path) if os.path.islink(path) else '',
                          content_of(path) if os.path.isfile(path) and not os.path.islink(path) else ''))
    return found


def differ(what, ours, theirs):
    past = '\n'.join(did[-40:])
    raise SystemExit(f'{past}\nseed {seed}, step {len(did)}: {what}:\nours   {str(ours)[:2000]}\ntheirs {str(theirs)[:2000]}')


for side in (0, 1):
    for name in ('below/deep', 'other'): os.makedirs(at(side, 0, name), exist_ok=True)
for step in range(steps):
    do = rnd.choices((open_one, on_handle, on_path, by_shell), (12, 50, 30, 3))[0]
    what, (ours, theirs) = do()
    did.append(f'{what}: {str(theirs)[:60]}')
    if ours != theirs: differ(what, ours, theirs)
    if step % 50 == 49:
        for view in range(3):
            ours, theirs = listing(0, view), listing(1, view)
            if ours != theirs:
                differ(f'view {view}', [each for each in ours if each not in theirs], [each for each in theirs if each not in ours])
for handle in handles: handle.close()
print(f'{steps} steps')
