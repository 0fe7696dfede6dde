import type { Octets } from '../base/octets.ts';
import { compileWild, isWild } from './wild-pattern.ts';

/** A pattern of a rule, compiled. */
export interface RulePattern {
  /** Whether only the last element of a path is matched. */
  readonly isOfName: boolean;
  /** It is from a place on, not at the end of any path. */
  readonly isAnchored: boolean;
  /**
   * Whether a path fits.
   *
   * @param path - without a slash in front; the name alone where {@link isOfName}
   */
  readonly fits: (path: Octets, isDir: boolean) => boolean;
}

/**
 * Compiles a pattern as rsync(1) has it. With a slash or `**` in it, it is matched against the path, else against the name. A
 * slash in front anchors it; one at its end keeps it to Dirs; `***` at its end matches a Dir and all below.
 *
 * Unanchored, as many last elements of the path are matched as the pattern has, or with `**` in it any number of them.
 */
export function compileRulePattern(text: Octets): RulePattern {
  const dirsOnly = text.length > 1 && text.endsWith('/');
  const pattern = dirsOnly ? (text.slice(0, -1) as Octets) : text;
  const isAnchored = pattern.startsWith('/');
  const hasStars = isWild(pattern) && pattern.includes('**');
  const slashes = pattern.split('/').length - 1;
  // Such a pattern sees Dirs as `dir/`, so that `dir/***` matches both `dir` and what is in it.
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

/** So that a `**` and the slash after it may match nothing. */
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

/** The last elements, one more than there are slashes in the pattern. */
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
