import type { Command } from '../commands/command.ts';
import { type OptionSpec, optionNames } from '../commands/words/option-spec.ts';
import type { COMPLETED_SHELLS } from './argv.ts';

/** An option of the program in the scripts. */
interface Known {
  readonly words: readonly string[];
  readonly summary: string;
  /** It takes a path as a word of its own. */
  readonly takesPath: boolean;
  readonly takesWord: boolean;
  readonly choices: readonly string[];
}

/**
 * A script that completes the command line of vtftp in a shell: its options, their choices, local paths, and the names of commands
 * as the first word, also of `-c`.
 */
export function completionScript(
  shell: (typeof COMPLETED_SHELLS)[number],
  options: readonly OptionSpec[],
  commands: readonly Command[],
): string {
  const known = options.map(knownOption);
  const names = commands.map(({ name, summary }) => ({ name, summary })).filter(({ name }) => /^[a-z]/.test(name));
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](known, names);
}

function knownOption(option: OptionSpec): Known {
  const long = optionNames([option]).map((name) => `--${name}`);
  const { value } = option;
  const takesWord = value !== undefined && value.bare === undefined;
  return {
    words: option.short === undefined ? long : [`-${option.short}`, ...long],
    summary: option.summary,
    takesPath: takesWord && (value.kind === 'local' || value.kind === 'store'),
    takesWord,
    choices: value?.choices ?? [],
  };
}

type Names = readonly { readonly name: string; readonly summary: string }[];

function bashScript(options: readonly Known[], commands: Names): string {
  const words = options.flatMap((option) => [
    ...option.words,
    ...option.choices.flatMap((choice) => option.words.filter((word) => word.startsWith('--')).map((word) => `${word}=${choice}`)),
  ]);
  const paths = options.filter(({ takesPath }) => takesPath).flatMap((option) => option.words);
  return `# bash completion for vtftp. Made by: vtftp --completion bash
_vtftp() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  compopt -o filenames 2>/dev/null
  case $before in
    -c|--command)
      compopt +o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word")
      return ;;
    ${paths.join('|')})
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
  esac
  if [[ $word == -* ]]; then
    compopt +o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -W '${words.join(' ')}' -- "$word")
  elif [[ $COMP_CWORD == 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word"; compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _vtftp vtftp
`;
}

function zshScript(options: readonly Known[], commands: Names): string {
  const quoted = (text: string): string =>
    text.replaceAll("'", "'\\''").replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:');
  const lines = options.map((option) => {
    const value = option.words.includes('--command')
      ? ':command:_vtftp_commands'
      : option.choices.length > 0
        ? `::when:(${option.choices.join(' ')})`
        : option.takesPath
          ? ':path:_files'
          : option.takesWord
            ? ':word:'
            : '';
    const isRepeated = option.words.includes('--command');
    const others = isRepeated ? '*' : `(${option.words.join(' ')})`;
    return option.words
      .map((word) => `    '${others}${word}${option.choices.length > 0 ? '=-' : ''}[${quoted(option.summary)}]${value}'`)
      .join(' \\\n');
  });
  return `#compdef vtftp
# zsh completion for vtftp. Made by: vtftp --completion zsh
_vtftp_commands() {
  local -a commands=(
${commands.map(({ name, summary }) => `    '${quoted(name)}:${quoted(summary)}'`).join('\n')}
  )
  _describe command commands
}
_vtftp_first() {
  _vtftp_commands
  _files
}
_vtftp() {
  _arguments -s -S \\
${lines.join(' \\\n')} \\
    '1:command or source:_vtftp_first' '*:file:_files'
}
if [[ $funcstack[1] == _vtftp ]]; then _vtftp "$@"; else compdef _vtftp vtftp; fi
`;
}

function fishScript(options: readonly Known[], commands: Names): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = options.map((option) => {
    const flags = option.words.map((word) => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`)).join(' ');
    const value = option.words.includes('--command')
      ? ` -x -a '(__vtftp_commands)'`
      : option.choices.length > 0
        ? ` -f -a ${quoted(option.choices.join(' '))}`
        : option.takesPath
          ? ' -r -F'
          : option.takesWord
            ? ' -x'
            : '';
    return `complete -c vtftp ${flags}${value} -d ${quoted(option.summary)}`;
  });
  return `# fish completion for vtftp. Made by: vtftp --completion fish
function __vtftp_commands
  printf '%s\\t%s\\n' ${commands.map(({ name, summary }) => `${quoted(name)} ${quoted(summary)}`).join(' \\\n    ')}
end
complete -c vtftp -n __fish_use_subcommand -a '(__vtftp_commands)'
${lines.join('\n')}
`;
}
