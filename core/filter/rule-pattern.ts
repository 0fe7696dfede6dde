import type { Octets } from '../base/octets.ts';
import { compileWild, isWild } from './wild-pattern.ts';

/** A compiled pattern of a rule. */
export interface RulePattern {
  /** Whether only the last element of a path is compared. */
  readonly isOfName: boolean;
  /** Whether it must match from the start of the path, not just at its end. */
  readonly isAnchored: boolean;
  /**
   * Whether a path matches.
   *
   * @param path - without a leading slash; only the name if {@link isOfName}
   */
  readonly fits: (path: Octets, isDir: boolean) => boolean;
}

/**
 * Compiles a pattern of rsync(1). A pattern with a slash or `**` is compared with the path, any other with the name. A leading slash
 * anchors it. With a trailing slash it matches only Dirs. A trailing `***` matches a Dir and everything below.
 *
 * An unanchored pattern is compared with as many trailing elements of the path as it has itself. With `**`, it is compared with any number.
 */
export function compileRulePattern(text: Octets): RulePattern {
  const dirsOnly = text.length > 1 && text.endsWith('/');
  const pattern = dirsOnly ? (text.slice(0, -1) as Octets) : text;
  const isAnchored = pattern.startsWith('/');
  const hasStars = isWild(pattern) && pattern.includes('**');
  const slashes = pattern.split('/').length - 1;
  // For such a pattern, a Dir's path gets a trailing slash, so that `dir/***` matches both `dir` and its contents.
  const slashAfterDirs = hasStars && pattern.endsWith('***');
  const test = compileWild(isAnchored ? (pattern.slice(1) as Octets) : pattern);
  const fitsPath = isAnchored ? test : hasStars ? (pattern.startsWith('**') ? atRoot(test) : atAnyElement(test)) : atEnd(test, slashes);
  return {
    isOfName: slashes === 0 && !hasStars,
    isAnchored,
    fits: (path, isDir) => (isDir ? fitsPath(slashAfterDirs ? (`${path}/` as Octets) : path) : !dirsOnly && fitsPath(path)),
  };
}

type Test = (text: Octets) => boolean;

/** With a leading slash in the path, `**` and the slash after it may match nothing. */
function atRoot(test: Test): Test {
  return (path) => test(`/${path}` as Octets);
}

function atAnyElement(test: Test): Test {
  return (path) => {
    for (let at = 0; ; ) {
      if (test(path.slice(at) as Octets)) return true;
      const slash = path.indexOf('/', at);
      if (slash < 0) return false;
      at = slash + 1;
    }
  };
}

/** Compares the last elements of the path, one more than `slashes`. */
function atEnd(test: Test, slashes: number): Test {
  if (slashes === 0) return test;
  return (path) => {
    let at = path.length;
    for (let left = slashes; left >= 0; left--) {
      const slash = at === 0 ? -1 : path.lastIndexOf('/', at - 1);
      if (slash < 0 && left > 0) return false;
      at = slash;
    }
    return test(path.slice(at + 1) as Octets);
  };
}
