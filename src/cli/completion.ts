import type { Act, Given } from "./command.ts";
import { COMMANDS } from "./commands.ts";

/** `marrow completion bash | zsh | fish`: prints a script that completes commands, acts, flags and their values. */
export async function runCompletion({ act }: Given): Promise<number> {
  const scripts = new Map([
    ["bash", toBash],
    ["zsh", toZsh],
    ["fish", toFish],
  ]);
  console.log((scripts.get(act) ?? toBash)());
  return 0;
}

/** An act with the words that lead to it. */
interface Path {
  readonly command: string;
  readonly word: string;
  readonly act: Act;
}

function paths(): readonly Path[] {
  return [...COMMANDS].flatMap(([command, { acts }]) => [...acts].map(([word, act]) => ({ command, word, act })));
}

const commandWords = () => [...COMMANDS.keys()].join(" ");
const actWords = (command: string) => [...(COMMANDS.get(command)?.acts.keys() ?? [])].filter((word) => word !== "");
const flagWords = ({ flags }: Act) => [...flags.keys()].map((flag) => `--${flag}`).join(" ");

/** The flags whose value is one of a few, in the whole table. Flags of one name have the same values. */
function valued(): ReadonlyMap<string, string> {
  return new Map(
    paths().flatMap(({ act: { flags } }) =>
      [...flags].flatMap(([flag, { values }]) => (values === undefined ? [] : [[flag, values.join(" ")] as const])),
    ),
  );
}

/** Flags whose value is a file or a directory. */
function filed(): readonly string[] {
  return [
    ...new Set(
      paths().flatMap(({ act: { flags } }) =>
        [...flags].flatMap(([flag, { takes }]) => (takes === "FILE" || takes === "DIRECTORY" ? [flag] : [])),
      ),
    ),
  ];
}

function toBash(): string {
  const acts = [...COMMANDS.keys()].flatMap((command) => {
    const words = actWords(command);
    return words.length === 0 ? [] : [`    ${command}) words="${words.join(" ")}" ;;`];
  });
  const flags = paths().map(({ command, word, act }) => {
    return `    ${word === "" ? `${command}:*` : `${command}:${word}`}) words="${flagWords(act)}" ;;`;
  });
  const values = [...valued()].map(
    ([flag, words]) => `    --${flag}) COMPREPLY=($(compgen -W "${words}" -- "$current")); return ;;`,
  );
  const files = filed()
    .map((flag) => `--${flag}`)
    .join("|");
  return `# Completion of marrow for bash: source <(marrow completion bash)
_marrow() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commandWords()} help --version" -- "$current")); return
  fi
  case "$previous" in
${values.join("\n")}
    ${files}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 2 ]; then
    case "\${COMP_WORDS[1]}" in
${acts.join("\n")}
    esac
    if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current")); return; fi
  fi
  case "\${COMP_WORDS[1]}:\${COMP_WORDS[2]}" in
${flags.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _marrow marrow`;
}

function toZsh(): string {
  return `#compdef marrow
# Completion of marrow for zsh: source <(marrow completion zsh)
autoload -U +X bashcompinit && bashcompinit
${toBash()}`;
}

function toFish(): string {
  const lines = ["# Completion of marrow for fish: marrow completion fish | source", "complete -c marrow -f"];
  for (const [command, { says, acts }] of COMMANDS) {
    lines.push(`complete -c marrow -n __fish_use_subcommand -a ${command} -d ${quote(says)}`);
    const words = actWords(command);
    for (const [word, { says: what, flags }] of acts) {
      const within =
        word === ""
          ? `__fish_seen_subcommand_from ${command}`
          : `__fish_seen_subcommand_from ${command}; and __fish_seen_subcommand_from ${word}`;
      if (word !== "")
        lines.push(
          `complete -c marrow -n ${quote(`__fish_seen_subcommand_from ${command}; and not __fish_seen_subcommand_from ${words.join(" ")}`)} -a ${word} -d ${quote(what)}`,
        );
      for (const [flag, { takes, values }] of flags) {
        const value = takes === undefined ? "" : takes === "FILE" || takes === "DIRECTORY" ? " -r -F" : " -x";
        const known = values === undefined ? "" : ` -a ${quote(values.join(" "))}`;
        lines.push(`complete -c marrow -n ${quote(within)} -l ${flag}${value}${known}`);
      }
    }
  }
  return lines.join("\n");
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
