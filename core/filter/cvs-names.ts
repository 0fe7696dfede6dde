/** The patterns that the rule `-C` excludes: names that CVS ignores, from rsync(1), --cvs-exclude. */
export const CVS_NAMES: readonly string[] = (
  'RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS .make.state .nse_depinfo *~ #* .#* ,* _$* *$ *.old *.bak *.BAK *.orig ' +
  '*.rej .del-* *.a *.olb *.o *.obj *.so *.exe *.Z *.elc *.ln core .svn/ .git/ .hg/ .bzr/'
).split(' ');
