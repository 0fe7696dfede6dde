import { VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { CVS_NAMES } from './cvs-names.ts';
import type { RulePattern } from './rule-pattern.ts';
import { compileRulePattern } from './rule-pattern.ts';
import type { ParsedRule } from './rule-text.ts';
import { parseRuleFile } from './rule-text.ts';

// Compiles rules, in order. Files that they merge are read at once, except those that are read in each Dir.

/** Reads a whole rules file. @returns undefined if it does not exist */
export type ReadRules = (path: Octets) => Octets | undefined;

/** Maximum nesting of merged rules files. More is taken for a cycle. */
const MAX_DEPTH = 16;

/** A pattern, and whether it includes or excludes matching names. */
export interface MatchRule {
  readonly include: boolean;
  readonly negated: boolean;
  readonly pattern: RulePattern;
  /** Bytes of the absolute path that precede the text to match; undefined for the path relative to the top. */
  readonly from: number | undefined;
}

/** A rules file that each Dir may have. */
interface PerDirRule {
  readonly merge: Extract<ParsedRule, { kind: 'merge' }>;
  /** The rules in such files of the current Dir and the Dirs above it. */
  readonly found: readonly Rule[];
}

/** One rule. */
export type Rule = MatchRule | PerDirRule;

/** Whether a rule is a rules file that each Dir may have. */
export function isPerDir(rule: Rule): rule is PerDirRule {
  return 'merge' in rule;
}

/** Whether a rule is a pattern. */
export function isMatch(rule: Rule): rule is MatchRule {
  return !isPerDir(rule);
}

/** All patterns of rules, in order. */
export function flat(rules: readonly Rule[]): MatchRule[] {
  return rules.flatMap((rule) => (isPerDir(rule) ? flat(rule.found) : [rule]));
}

/** The context in which rules are compiled. */
export interface CompileContext {
  readonly read: ReadRules;
  /** Set if rules files in each Dir are refused: the reason. */
  readonly noPerDir?: string | undefined;
  /** Bytes of the absolute path to which anchored patterns are relative; undefined for the top. */
  readonly anchor: number | undefined;
  readonly depth: number;
  /** Names of rules files that are already read in each Dir. Another rule for such a name is ignored. */
  readonly known: Set<Octets>;
  /** Collects all names of such files. */
  readonly ruleFiles: Set<Octets>;
}

/**
 * Compiles rules.
 *
 * @throws {VtError} EUSAGE for an invalid rule, EFAILED for a missing file
 */
export function compile(parsed: readonly ParsedRule[], context: CompileContext): Rule[] {
  let rules: Rule[] = [];
  for (const rule of parsed) {
    switch (rule.kind) {
      case 'clear':
        rules = [];
        break;
      case 'cvs':
        for (const name of CVS_NAMES) rules.push(matchRule(name as Octets, context));
        break;
      case 'match':
        rules.push(matchRule(rule.pattern, context, rule));
        break;
      case 'merge':
        if (rule.excludesSelf) rules.push(matchRule(rule.file.slice(rule.file.lastIndexOf('/') + 1) as Octets, context));
        if (rule.perDir) appendAll(rules, perDirRule(rule, context));
        else rules = mergeFile(rules, rule, context);
    }
  }
  return rules;
}

function matchRule(
  text: Octets,
  { anchor }: CompileContext,
  { include = false, negated = false, isAbsolute = false }: { include?: boolean; negated?: boolean; isAbsolute?: boolean } = {},
): MatchRule {
  const pattern = compileRulePattern(text);
  return { include, negated, pattern, from: isAbsolute ? 1 : pattern.isAnchored ? anchor : undefined };
}

function perDirRule(merge: PerDirRule['merge'], { noPerDir, known, ruleFiles }: CompileContext): PerDirRule[] {
  const file = octetsToText(merge.file);
  if (noPerDir !== undefined) throw new VtError('EUSAGE', `filter rule "dir-merge ${file}": ${noPerDir}`);
  if (merge.file.includes('/', 1) || merge.file === '..' || merge.file === '.')
    throw new VtError('EUSAGE', `filter rule "dir-merge ${file}": expected the name of a file that may be in each directory`);
  if (known.has(merge.file)) return [];
  known.add(merge.file);
  ruleFiles.add(merge.file.replace(/^\//, '') as Octets);
  return [{ merge, found: [] }];
}

/** Appends the rules of a file, which may clear those before. */
function mergeFile(before: Rule[], { file, rules }: Extract<ParsedRule, { kind: 'merge' }>, context: CompileContext): Rule[] {
  if (context.depth >= MAX_DEPTH) throw new VtError('EUSAGE', `read rules "${octetsToText(file)}": the files merge each other without end`);
  const content = context.read(file);
  if (content === undefined) throw new VtError('EFAILED', `read rules "${octetsToText(file)}": no such file`);
  const parsed = parseRuleFile(content, file, rules);
  const own = compile(parsed, { ...context, depth: context.depth + 1 });
  return parsed.some(({ kind }) => kind === 'clear') ? own : [...before, ...own];
}
