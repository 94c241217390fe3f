#compdef medbuild
# medbuild completion for zsh

_medbuild() {
  local line word about
  local -a values open
  while IFS=$'\t' read -r word about; do
    if [[ $word == :files ]]; then
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      return
    fi
    if [[ $word == *[.=/] ]]; then
      open+=("${word//:/\\:}${about:+:$about}")
    else
      values+=("${word//:/\\:}${about:+:$about}")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  # What ends in one of . = / goes on: no blank after it.
  _describe medbuild values -- open -S ''
}

if [[ $funcstack[1] == _medbuild ]]; then
  _medbuild "$@"
else
  compdef _medbuild medbuild
fi
