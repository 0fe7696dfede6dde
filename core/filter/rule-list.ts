import { VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { CVS_NAMES } from './cvs-names.ts';
import type { RulePattern } from './rule-pattern.ts';
import { compileRulePattern } from './rule-pattern.ts';
import type { ParsedRule } from './rule-text.ts';
import { parseRuleFile } from './rule-text.ts';

// Rules in their order, compiled; files that they name are read, but for those that are looked for in each Dir.

/** Reads a whole file of rules. @returns undefined where there is no file of that name */
export type ReadRules = (path: Octets) => Octets | undefined;

/** Files of rules within files of rules: more is taken for a circle. */
const MAX_DEPTH = 16;

/** A pattern, and what it says of names that match. */
export interface MatchRule {
  readonly include: boolean;
  readonly negated: boolean;
  readonly pattern: RulePattern;
  /** Where the paths begin that it is matched against: bytes of the absolute path; undefined: the top of what is filtered. */
  readonly from: number | undefined;
}

/** A file that each Dir may have. */
interface PerDirRule {
  readonly merge: Extract<ParsedRule, { kind: 'merge' }>;
  /** What the files of the Dirs from the one at hand up say. */
  readonly found: readonly Rule[];
}

/** One rule. */
export type Rule = MatchRule | PerDirRule;

/** Whether a rule is a file that each Dir may have. */
export function isPerDir(rule: Rule): rule is PerDirRule {
  return 'merge' in rule;
}

/** Whether a rule is a pattern. */
export function isMatch(rule: Rule): rule is MatchRule {
  return !isPerDir(rule);
}

/** The patterns of rules, in their order. */
export function flat(rules: readonly Rule[]): MatchRule[] {
  return rules.flatMap((rule) => (isPerDir(rule) ? flat(rule.found) : [rule]));
}

/** Where rules are compiled. */
export interface CompileContext {
  readonly read: ReadRules;
  /** Why rules that are to be found in each Dir are refused, if they are. */
  readonly noPerDir?: string | undefined;
  /** Where anchored patterns begin: bytes of the absolute path; undefined at the top. */
  readonly anchor: number | undefined;
  readonly depth: number;
  /** Names of files that are looked for in each Dir already: another rule for one of them says nothing new. */
  readonly known: Set<Octets>;
  /** All of these that there ever were. */
  readonly ruleFiles: Set<Octets>;
}

/**
 * Compiles rules.
 *
 * @throws {VtError} EUSAGE for a rule that cannot be understood, EFAILED for a file that is not there
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

/** Rules with those of a file behind them, which may clear them. */
function mergeFile(before: Rule[], { file, rules }: Extract<ParsedRule, { kind: 'merge' }>, context: CompileContext): Rule[] {
  if (context.depth >= MAX_DEPTH) throw new VtError('EUSAGE', `read rules "${octetsToText(file)}": the files merge each other without end`);
  const content = context.read(file);
  if (content === undefined) throw new VtError('EFAILED', `read rules "${octetsToText(file)}": no such file`);
  const parsed = parseRuleFile(content, file, rules);
  const own = compile(parsed, { ...context, depth: context.depth + 1 });
  return parsed.some(({ kind }) => kind === 'clear') ? own : [...before, ...own];
}
