import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedError } from '../../../core/base/error-parts.ts';
import { PathError, ReadOnlyError, UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { systemError } from '../../../core/base/system/system-error.ts';
import { errorLine } from '../../../shell/output/error-line.ts';

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

const GET = ['mget', 'get', 'mget', 'reget'];

const CASES: readonly (readonly [what: string, error: unknown, names: readonly string[] | undefined, line: string])[] = [
  ['a path of the tree', new PathError('ENOENT', 'list', '/x' as Octets), ['ls', 'dir'], 'ls: /x: no such file or directory'],
  [
    'a path that holds what ends a thing',
    new PathError('ENOENT', 'list', '/a": b' as Octets),
    ['ls'],
    'ls: "/a": b": no such file or directory',
  ],
  [
    'a local path that is written to',
    new PathError('EACCES', 'write into local', '/out' as Octets),
    GET,
    'mget: cannot write to /out: permission denied',
  ],
  ['no command', new PathError('ENOENT', 'open', '/x' as Octets), undefined, 'vtftp: /x: no such file or directory'],
  ['an action of the Store', new VtError('EOPEN', 'open Store "s": it is locked'), ['peer'], 'peer: cannot open Store s: it is locked'],
  ['the command as the action', new VtError('EFAILED', 'get "/a": "b" is a FIFO'), GET, 'mget: /a: "b" is a FIFO'],
  ['the command before a fact', new VtError('EFAILED', 'gc: changes are unsaved'), ['gc'], 'gc: changes are unsaved'],
  ['the command and a preposition', new VtError('EFAILED', 'put into "/a": no'), ['put'], 'put: /a: no'],
  ['an option of the command', new UsageError('get --owner "x": expected names'), GET, 'mget: --owner x: expected names'],
  ['an option without a value', new UsageError('peer --name: STORE is missing'), ['peer'], 'peer: --name: STORE is missing'],
  ['a word that is no action', new UsageError('mode "q": expected digits'), ['chmod'], 'chmod: mode q: expected digits'],
  ['what is read-only', new ReadOnlyError('rm', 'tree'), ['rm'], 'rm: tree: read-only'],
  ['no thing at all', new VtError('EFAILED', 'too deep'), ['ls'], 'ls: too deep'],
  ['a thing that is empty', new VtError('EOPEN', 'open "": the source is empty'), ['open'], 'open: "": the source is empty'],
  ['a message of an item', 'put "/a": permission denied', ['put'], 'put: /a: permission denied'],
  ['a call that looks', systemError(2, 'lstat', Buffer.from('/x')), ['put'], 'put: /x: no such file or directory'],
  ['a call that writes', systemError(122, 'write', Buffer.from('/x')), ['put'], 'put: cannot write to /x: quota exceeded'],
  [
    'a call with two paths',
    Object.assign(systemError(13, 'rename', Buffer.from('/a')), { dest: '/b' }),
    ['mv'],
    'mv: cannot rename /a to /b: permission denied',
  ],
  [
    'memory that the system does not give',
    thrownBy(() => new ArrayBuffer(Number.MAX_SAFE_INTEGER)),
    ['put'],
    'put: out of memory: a limit such as ulimit -v leaves too little',
  ],
  [
    'memory that a kernel does not get',
    new RangeError('WebAssembly.Memory(): could not allocate memory'),
    ['put'],
    'put: out of memory: a limit such as ulimit -v leaves too little',
  ],
  ['an error that is told its thing', namedError(new VtError('EFAILED', 'too large'), '/x'), ['put'], 'put: /x: too large'],
  ['one that has its thing', namedError(new VtError('EFAILED', 'open "y": too large'), '/x'), ['put'], 'put: cannot open y: too large'],
  ['an error of no kind of ours', new Error('odd'), ['ls'], 'ls: odd'],
  ['no error at all', 7, ['ls'], 'ls: 7'],
];

for (const [what, error, names, line] of CASES)
  test(`an error line begins with the command, then the thing, then the fact: ${what}`, () => {
    const { command, text } = errorLine(error, names);
    assert.equal(`${command}: ${text}`, line);
  });
