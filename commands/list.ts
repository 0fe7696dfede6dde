import { alias, unalias } from './alias.ts';
import { bind } from './bind.ts';
import { blockifyCommand } from './blockify.ts';
import { cat } from './cat.ts';
import { cd } from './cd.ts';
import { chmod, chown, touch } from './change-meta.ts';
import { clear } from './clear.ts';
import type { Command } from './command.ts';
import { du } from './du.ts';
import { find } from './find.ts';
import { flush } from './flush.ts';
import { follow } from './follow.ts';
import { fsck } from './fsck.ts';
import { gc } from './gc.ts';
import { get } from './get.ts';
import { head, tail } from './head-tail.ts';
import { help, version } from './help.ts';
import { history } from './history.ts';
import { inspect } from './inspect.ts';
import { join } from './join.ts';
import { less } from './less.ts';
import { lls, localCommand } from './local-command.ts';
import { lcd, lmkdir, lpwd } from './local-where.ts';
import { log } from './log.ts';
import { ls } from './ls.ts';
import { merge } from './merge.ts';
import { mkdir, rmdir } from './mkdir.ts';
import { mount } from './mount.ts';
import { mounts } from './mounts.ts';
import { cp, ln, mv } from './move-copy.ts';
import { open } from './open.ts';
import { peer } from './peer.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { put } from './put.ts';
import { pwd } from './pwd.ts';
import { quit } from './quit.ts';
import { redo } from './redo.ts';
import { repair } from './repair.ts';
import { rm } from './rm.ts';
import { scrub } from './scrub.ts';
import { serve } from './serve.ts';
import { set } from './settings.ts';
import { source } from './source.ts';
import { stat } from './stat.ts';
import { stores } from './stores.ts';
import { sync } from './sync.ts';
import { tails, untail } from './tails.ts';
import { tree } from './tree.ts';
import { umount } from './umount.ts';
import { undo } from './undo.ts';
import { wait } from './wait.ts';
import { watch } from './watch.ts';
/** Every command, in the order of help and of the man page. A new one is its file and a line here. */
export const COMMANDS: readonly Command[] = [
  quit,
  pwd,
  cd,
  lpwd,
  lcd,
  ls,
  tree,
  find,
  du,
  stat,
  inspect,
  cat,
  less,
  head,
  tail,
  get,
  put,
  follow,
  watch,
  tails,
  untail,
  bind,
  join,
  merge,
  pull,
  push,
  mkdir,
  rmdir,
  rm,
  mv,
  cp,
  ln,
  chmod,
  chown,
  touch,
  open,
  sync,
  undo,
  redo,
  log,
  mount,
  umount,
  mounts,
  stores,
  flush,
  peer,
  serve,
  fsck,
  scrub,
  repair,
  gc,
  localCommand,
  lls,
  lmkdir,
  blockifyCommand,
  help,
  clear,
  history,
  set,
  alias,
  unalias,
  source,
  wait,
  version,
];
