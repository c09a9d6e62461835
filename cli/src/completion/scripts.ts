/** What can be typed, for the makers of scripts below. */
export type Grammar = readonly {
  /** One word or two. */
  name: string
  summary: string
  options: readonly { name: string; value: boolean }[]
  /** The plain arguments it takes, where they are known. */
  values: readonly string[]
  /** What its plain arguments name, where that is known when somebody types. */
  are: 'accounts' | 'files' | null
  /** Another program's command line stands behind `--`. */
  rest: boolean
}[]

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
const firstWords = (grammar: Grammar) => [
  ...new Set(grammar.map(({ name }) => name.split(' ')[0] ?? '')),
]
const secondWords = (grammar: Grammar, first: string) =>
  grammar
    .filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name }) => name.split(' ')[1] ?? '')
const accountsCommand = 'latchkey accounts --names 2>/dev/null'

/** For `source <(latchkey completion bash)`. */
export function bash(grammar: Grammar): string {
  const cases = grammar.map(({ name, options, values, are, rest }) => {
    const words = [...values, ...options.map((option) => option.name)].join(' ')
    return [
      `    ${quoted(name)})`,
      ...(rest
        ? [
            '      local i',
            '      for ((i = 2; i < COMP_CWORD; i++)); do',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's, not ours
            '        if [[ ${COMP_WORDS[i]} == -- ]]; then',
            '          if declare -F _command_offset >/dev/null; then _command_offset $((i + 1))',
            '          else COMPREPLY=($(compgen -c -- "$cur")); fi',
            '          return',
            '        fi',
            '      done',
          ]
        : []),
      ...(are === 'accounts'
        ? ['      [[ $cur != -* ]] && { _latchkey_accounts; return; }']
        : are === 'files'
          ? [
              // macOS has bash 3.2, which knows neither compopt nor mapfile.
              '      if [[ $cur != -* ]]; then',
              "        local IFS=$'\\n'; compopt -o filenames 2>/dev/null",
              '        COMPREPLY=($(compgen -f -- "$cur")); return',
              '      fi',
            ]
          : []),
      `      words=${quoted(words)} ;;`,
    ].join('\n')
  })
  const seconds = firstWords(grammar)
    .map((first) => ({ first, next: secondWords(grammar, first) }))
    .filter(({ next }) => next.length > 0)
  return `# latchkey completion bash
_latchkey_accounts() {
  local IFS=$'\\n' name
  COMPREPLY=()
  for name in $(${accountsCommand}); do
    [[ $name == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
  done
}
_latchkey() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words=''
  COMPREPLY=()
  local name=\${COMP_WORDS[1]}
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quoted([...firstWords(grammar), '--help', '--version'].join(' '))} -- "$cur"))
    return
  fi
  case $name in
${seconds
  .map(
    ({ first, next }) => `    ${first})
      if ((COMP_CWORD == 2)); then COMPREPLY=($(compgen -W ${quoted(next.join(' '))} -- "$cur")); return; fi
      name="$name \${COMP_WORDS[2]}" ;;`,
  )
  .join('\n')}
  esac
  case $prev in
    --account|--profile|-a) _latchkey_accounts; return ;;
    --locale) COMPREPLY=($(compgen -W 'en zh' -- "$cur")); return ;;
  esac
  case $name in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _latchkey latchkey
`
}

/** For `source <(latchkey completion zsh)`, or as a file `_latchkey` in the fpath. */
export function zsh(grammar: Grammar): string {
  const described = (entries: readonly (readonly [string, string])[]) =>
    entries.map(([word, text]) => quoted(`${word}:${text.replaceAll(':', ' ')}`)).join(' ')
  const tops = firstWords(grammar).map((first) => {
    const exact = grammar.find(({ name }) => name === first)
    return [first, exact?.summary ?? secondWords(grammar, first).join(', ')] as const
  })
  const cases = grammar.map(({ name, options, values, are, rest }) => {
    const words = [...values, ...options.map((option) => option.name)].map(quoted).join(' ')
    return [
      `    (${quoted(name)})`,
      ...(rest
        ? [
            // biome-ignore lint/suspicious/noTemplateCurlyInString: zsh's, not ours
            '      local at=${words[(i)--]}',
            '      if (( at < CURRENT )); then shift $at words; (( CURRENT -= at )); _normal; return; fi',
          ]
        : []),
      ...(are === null
        ? []
        : [
            `      [[ $words[CURRENT] != -* ]] && { ${are === 'files' ? '_files' : '_latchkey_accounts'}; return }`,
          ]),
      `      compadd -- ${words} ;;`,
    ].join('\n')
  })
  const seconds = firstWords(grammar)
    .map((first) => ({ first, next: secondWords(grammar, first) }))
    .filter(({ next }) => next.length > 0)
  return `#compdef latchkey
_latchkey_accounts() {
  local -a names
  names=("\${(@f)$(${accountsCommand})}")
  [[ -n $names ]] && compadd -- $names
}
_latchkey() {
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(${described(tops)})
    _describe command commands
    return
  fi
  local name=$words[2]
  case $name in
${seconds
  .map(
    ({ first, next }) => `    (${first})
      if (( CURRENT == 3 )); then compadd -- ${next.join(' ')}; return; fi
      name="$name $words[3]" ;;`,
  )
  .join('\n')}
  esac
  case $words[CURRENT-1] in
    (--account|--profile|-a) _latchkey_accounts; return ;;
    (--locale) compadd -- en zh; return ;;
  esac
  case $name in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _latchkey ]]; then _latchkey "$@"; else compdef _latchkey latchkey; fi
`
}

/** For `latchkey completion fish | source`. */
export function fish(grammar: Grammar): string {
  const firsts = firstWords(grammar)
  const lines = [
    '# latchkey completion fish',
    'complete -c latchkey -f',
    `complete -c latchkey -n __fish_use_subcommand -l help`,
    `complete -c latchkey -n __fish_use_subcommand -l version`,
  ]
  for (const first of firsts) {
    const exact = grammar.find(({ name }) => name === first)
    const text = exact?.summary ?? secondWords(grammar, first).join(', ')
    lines.push(`complete -c latchkey -n __fish_use_subcommand -a ${first} -d ${quoted(text)}`)
    const next = secondWords(grammar, first)
    if (next.length > 0)
      lines.push(
        `complete -c latchkey -n '__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${next.join(' ')}' -a ${quoted(next.join(' '))}`,
      )
  }
  for (const { name, options, values, are, rest } of grammar) {
    const seen = quoted(
      name
        .split(' ')
        .map((word) => `__fish_seen_subcommand_from ${word}`)
        .join('; and '),
    )
    for (const option of options) {
      const accounts = ['--account', '--profile'].includes(option.name)
      const argument = accounts ? ` -x -a '(${accountsCommand})'` : option.value ? ' -x' : ''
      lines.push(`complete -c latchkey -n ${seen} -l ${option.name.slice(2)}${argument}`)
    }
    if (values.length > 0)
      lines.push(`complete -c latchkey -n ${seen} -a ${quoted(values.join(' '))}`)
    if (are === 'accounts') lines.push(`complete -c latchkey -n ${seen} -a '(${accountsCommand})'`)
    if (are === 'files') lines.push(`complete -c latchkey -n ${seen} -F`)
    if (rest)
      lines.push(`complete -c latchkey -n ${seen} -a '(__fish_complete_subcommand --fcs-skip=2)'`)
  }
  return `${lines.join('\n')}\n`
}
