ask() { # key, section, wanted, command, pattern
  said=$(sh -c "$4" 2>&1) || :
  got=$(printf '%s\n' "$said" | sed -nE "s/$5/\n\1\n/p" | sed -n 2p)
  if [ -z "$got" ]; then echo "$4 does not answer with a version:" >&2; printf '%s\n' "$said" | head -n 20 >&2; exit 1; fi
  case $got in "${3:-$got}" | "$3".*) ;; *) echo "$4 answers version $got, components.toml has $3" >&2; exit 1 ;; esac
  echo "$1=$got" >>"$out/$2"
}
free() { # folders and files without a FreeSurfer licence
  found=$(licensed "$@" -iname '*licen[cs]e*')
  [ -z "$found" ] || { echo "$found looks like a FreeSurfer licence, which must not get into an image" >&2; exit 1; }
}
check() { sh -c "$1" >/tmp/check.log 2>&1 || { echo "failed: $1" >&2; tail -n 20 /tmp/check.log >&2; exit 1; }; }
