# usage: zsh -f zsh-offers.fixture.zsh LOAD LINE…
# Types each LINE and a tab into an interactive zsh that has run LOAD, and prints what completion
# offers, one a line; "== end" closes each answer.
zmodload zsh/zpty
zpty shell zsh -f -i
offered=$(mktemp)
setup='PROMPT= ; unsetopt beep
'$1'
bindkey "^I" complete-word
compadd() {
  [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] && { builtin compadd "$@"; return }
  local -a hits
  builtin compadd -A hits "$@"
  (( $#hits )) && print -rl -- $hits >> '$offered'
  builtin compadd "$@"
}
ended() { comppostfuncs=(ended); print -r -- "== end" >> '$offered' }
comppostfuncs=(ended)
print -r -- "== ready" >> '$offered
await() {
  repeat 1500; do
    grep -qs -- "$1" $offered && return
    zpty -r -t shell output # read, so that the shell never waits for us
    sleep 0.01
  done
  print -u2 "no answer to: $2"
  exit 1
}
zpty -w shell "$setup"
await '== ready' setup
shift
for line; do
  : > $offered
  zpty -w -n shell $'\x15'$line$'\t'
  await '== end' "$line"
  cat $offered
done
rm $offered
zpty -d shell
