# Each question and each check leaves a line of JSON in $outcomes, and the first
# that fails ends the step.
json() { # a text, as it stands in a JSON string; without control characters
	case $1 in
	*[\\\"[:cntrl:]]*) ;;
	*) printf '%s' "$1"; return ;;
	esac
	printf '%s' "$1" | LC_ALL=C sed -e ':a' -e '$!{' -e 'N' -e 'ba' -e '}' -e 's/[\\"]/\\&/g' -e 's/\t/\\t/g' -e 's/\n/\\n/g' -e 's/[\x00-\x1f\x7f]//g'
}
try() { # command; says how it ended in code, took (milliseconds) and in the file $said
	code=0 began=$(date +%s%3N)
	sh -c "$1" >"$said" 2>&1 || code=$?
	took=$(($(date +%s%3N) - began))
	[ "$took" -ge 0 ] || took=0 # the clock was set back
}
record() { # kind, name, command, answer, problem
	printf '{"kind":"%s","name":"%s","command":"%s","exit":%d,"seconds":%d.%03d,"answer":"%s","problem":"%s","output":"%s"}\n' \
		"$1" "$2" "$(json "$3")" "$code" $((took / 1000)) $((took % 1000)) "$(json "$4")" "$(json "$5")" \
		"$(json "$(tail -n 20 "$said" | tail -c 4000)")" >>"$outcomes"
}
ask() { # key, section, wanted, command, pattern, what the manifest has instead of the answer
	try "$4"
	got=$(sed -nE "s/$5/\n\1\n/p" "$said" | sed -n 2p)
	problem=
	case $got in
	'') problem="$4 does not answer with a version (exit code $code)" ;;
	"${3:-$got}" | "$3".*) ;;
	*) problem="$4 answers version $got, components.toml has $3" ;;
	esac
	record question "$1" "$4" "$got" "$problem"
	if [ -n "$problem" ]; then failed "$1" "${problem#"$4 "}" 1; fi
	echo "$1=${6:-$got}" >>"$out/$2"
}
failed() { # key, how, exit code; after what the command said
	{ tail -n 500 "$said"; echo "failed: $1: $2"; } >&2
	exit "$3"
}
check() { # name, command
	try "$2"
	if [ "$code" = 0 ]; then record check "$1" "$2" '' ''; return; fi
	record check "$1" "$2" '' "exit code $code"
	failed "$1" "exit code $code" "$code"
}
programs() { # list, folders of PATH
	list=$1
	shift
	for dir; do
		[ ! -d "$dir" ] || find -L "$dir" -mindepth 1 -maxdepth 1 -type f -perm -0100 -print
	done | LC_ALL=C sort >"$list"
}
unwanted() { # files, what they are
	printf 'failed: layer: %s %s, which must not get into an image\n' "$(printf '%s' "$1" | tr '\n' ' ')" "$2" >&2
	exit 1
}
free() { # folders and files without a FreeSurfer licence and without devices
	found=$(find "$@" ! -type f ! -type d ! -type l)
	[ -z "$found" ] || unwanted "$found" 'is a device, a pipe or a socket'
	found=$(licensed "$@")
	[ -z "$found" ] || unwanted "$found" 'looks like a FreeSurfer licence'
}
