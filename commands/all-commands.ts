import { chmod, chown, touch } from './change/change-meta.ts';
import { mkdir, rmdir } from './change/mkdir.ts';
import { cp, ln, mv } from './change/move-copy.ts';
import { rm } from './change/rm.ts';
import type { Command } from './command.ts';
import { cmp } from './history/cmp.ts';
import { diff } from './history/diff.ts';
import { forget } from './history/forget.ts';
import { log } from './history/log.ts';
import { open } from './history/open.ts';
import { redo } from './history/redo.ts';
import { restore } from './history/restore.ts';
import { sync } from './history/sync.ts';
import { protect, tag, unprotect } from './history/tag.ts';
import { undo } from './history/undo.ts';
import { quit } from './leave/quit.ts';
import { conflicts } from './list/conflicts.ts';
import { df } from './list/df.ts';
import { du } from './list/du.ts';
import { find } from './list/find.ts';
import { inspect } from './list/inspect.ts';
import { locate } from './list/locate.ts';
import { ls } from './list/ls.ts';
import { stat } from './list/stat.ts';
import { tree } from './list/tree.ts';
import { blockifyCommand } from './local/blockify.ts';
import { lls, localCommand } from './local/local-command.ts';
import { lcd, lmkdir, lpwd } from './local/local-where.ts';
import { mount } from './mount/mount.ts';
import { mounts } from './mount/mounts.ts';
import { umount } from './mount/umount.ts';
import { bind } from './move/bind.ts';
import { follow } from './move/follow.ts';
import { get } from './move/get.ts';
import { join } from './move/join.ts';
import { merge } from './move/merge.ts';
import { publish } from './move/publish.ts';
import { pull } from './move/pull.ts';
import { push } from './move/push.ts';
import { put } from './move/put.ts';
import { share } from './move/share.ts';
import { tails, untail } from './move/tails.ts';
import { watch } from './move/watch.ts';
import { cat } from './read/cat.ts';
import { head, tail } from './read/head-tail.ts';
import { less } from './read/less.ts';
import { alias, unalias } from './shell/alias.ts';
import { clear } from './shell/clear.ts';
import { config } from './shell/config.ts';
import { help, version } from './shell/help.ts';
import { history } from './shell/history.ts';
import { jobs, kill } from './shell/jobs.ts';
import { set, timing } from './shell/settings.ts';
import { source } from './shell/source.ts';
import { wait } from './shell/wait.ts';
import { ar } from './store/ar.ts';
import { archives } from './store/archives.ts';
import { doctor } from './store/doctor.ts';
import { flush } from './store/flush.ts';
import { fsck } from './store/fsck.ts';
import { gc } from './store/gc.ts';
import { httpd } from './store/httpd.ts';
import { peer } from './store/peer.ts';
import { repair } from './store/repair.ts';
import { scrub } from './store/scrub.ts';
import { sealedKey } from './store/sealed-key.ts';
import { serve } from './store/serve.ts';
import { status } from './store/status.ts';
import { stores } from './store/stores.ts';
import { transition } from './store/transition.ts';
import { bookmark } from './where/bookmark.ts';
import { cd } from './where/cd.ts';
import { pwd } from './where/pwd.ts';
/** Every command, in the order of help and of the man page. A new command needs its file and a line here. */
export const COMMANDS: readonly Command[] = [
  quit,
  pwd,
  cd,
  lpwd,
  lcd,
  bookmark,
  ls,
  tree,
  find,
  locate,
  conflicts,
  du,
  df,
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
  publish,
  share,
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
  restore,
  log,
  diff,
  cmp,
  tag,
  protect,
  unprotect,
  forget,
  mount,
  umount,
  mounts,
  archives,
  stores,
  status,
  doctor,
  flush,
  ar,
  peer,
  sealedKey,
  serve,
  httpd,
  fsck,
  scrub,
  repair,
  gc,
  transition,
  localCommand,
  lls,
  lmkdir,
  blockifyCommand,
  help,
  clear,
  config,
  history,
  set,
  timing,
  alias,
  unalias,
  source,
  jobs,
  kill,
  wait,
  version,
];
