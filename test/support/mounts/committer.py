"""A database in the working directory that commits numbers, 1 and up, each in a transaction.

python3 committer.py DATABASE work FROM     prints each number once it is committed, until it is killed or fails
python3 committer.py DATABASE check         prints the last number that is there; fails where what is there is not whole

DATABASE is sqlite-JOURNALMODE-SYNCHRONOUS, lmdb or postgres, which runs as the user of that name.
"""
import os, re, subprocess, sys


def text(n):
    return 'x' * (n * 977 % 9000)


class Sqlite:
    def __init__(self, mode, synchronous):
        import sqlite3
        self.path = mode + '.db'
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute('pragma journal_mode = ' + mode)
        self.db.execute('pragma synchronous = ' + synchronous)

    def begin(self):
        self.db.execute('create table if not exists t(n integer primary key, text)')

    def commit(self, n):
        self.db.execute('insert into t values(?, ?)', (n, text(n)))

    def check(self):
        assert self.db.execute('pragma integrity_check').fetchone() == ('ok',)
        if not self.db.execute('select * from sqlite_master').fetchall(): return 0
        count, last = self.db.execute('select count(*), ifnull(max(n), 0) from t').fetchone()
        assert count == last
        return last


class Lmdb:
    def __init__(self):
        import lmdb
        self.env = lmdb.open('lmdb', map_size=1 << 28)

    def begin(self):
        pass

    def commit(self, n):
        with self.env.begin(write=True) as transaction: transaction.put(b'%08d' % n, text(n).encode())

    def check(self):
        with self.env.begin() as transaction: found = [(int(key), value.decode()) for key, value in transaction.cursor()]
        assert found == [(n, text(n)) for n in range(1, len(found) + 1)]
        return len(found)


class Postgres:
    """One process, without a server: it answers each line with a prompt, once what the line says is committed."""
    AS_USER = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups']

    def __init__(self):
        if not os.path.exists('postgres'):
            os.mkdir('postgres.new')
            os.chown('postgres.new', *map(int, subprocess.check_output(self.AS_USER + ['sh', '-c', 'id -u; id -g']).split()))
            subprocess.check_call(self.AS_USER + ['initdb', '-A', 'trust', '-D', 'postgres.new'], stdout=subprocess.DEVNULL)
            os.rename('postgres.new', 'postgres')
            here = os.open('.', os.O_RDONLY)
            os.fsync(here)
        # Of a process that is dead; its number may be another's by now.
        if os.path.exists('postgres/postmaster.pid'): os.remove('postgres/postmaster.pid')
        single = self.AS_USER + ['postgres', '--single', '-D', 'postgres', 'postgres']
        self.process = subprocess.Popen(single, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer()

    def answer(self):
        said = b''
        while not said.endswith(b'backend> '):
            more = os.read(self.process.stdout.fileno(), 65536)
            if more == b'': raise OSError('postgres has ended')
            said += more
        return [int(each) for each in re.findall(rb'= "(\d+)"', said)]

    def ask(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        return self.answer()

    def begin(self):
        self.ask('create table if not exists t(n integer primary key, text text)')

    def commit(self, n):
        if self.ask("insert into t values(%d, repeat('x', %d)) returning n" % (n, len(text(n)))) != [n]: raise OSError('not inserted')

    def check(self):
        if self.ask("select count(*) as c from pg_tables where tablename = 't'") == [0]: return 0
        count, last = self.ask('select count(*) as c, coalesce(max(n), 0) as m from t')
        assert count == last
        self.process.stdin.close()
        self.process.wait()
        return last


def there(kind, words):
    return os.path.exists({'sqlite': words[0] + '.db' if words else ''}.get(kind, kind))


kind, *words = sys.argv[1].split('-')
database = {'sqlite': Sqlite, 'lmdb': Lmdb, 'postgres': Postgres}[kind]
if sys.argv[2] == 'check':
    print(database(*words).check() if there(kind, words) else 0)
else:
    opened = database(*words)
    opened.begin()
    n = int(sys.argv[3])
    while True:
        opened.commit(n)
        print(n, flush=True)
        n += 1
