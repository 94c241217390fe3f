# medbuild completion for bash

_medbuild() {
  local words=() word line i cur
  # bash cuts words at "=" and ":": put them together again as they were typed.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ $word == [=:]* || ${COMP_WORDS[i - 1]} == *[=:] ]] && _medbuild_adjacent "$i"; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
  done
  cur=${words[${#words[@]} - 1]}
  local cut=
  [[ $cur == *[=:]* && $COMP_WORDBREAKS == *[=:]* ]] && cut=${cur%"${cur##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    line=${line%%$'\t'*}
    if [[ $line == :files ]]; then
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "${cur#"$cut"}")
      return
    fi
    COMPREPLY+=("${line#"$cut"}")
    [[ $line == *[.=/] ]] && compopt -o nospace
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}

# _medbuild_adjacent says whether word number $1 follows the one before it
# without a blank.
_medbuild_adjacent() {
  local rest=$COMP_LINE i
  for ((i = 0; i < $1; i++)); do
    rest=${rest#*"${COMP_WORDS[i]}"}
    ((i + 1 < $1)) && rest=${rest#"${rest%%[![:space:]]*}"}
  done
  [[ $rest != [[:space:]]* ]]
}

complete -F _medbuild medbuild
