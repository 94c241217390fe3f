# Puts together the version manifest and what lies beside it in every image.
place() { # file, where it goes
	mkdir -p "/run/medbuild/out$(dirname "$2")"
	cp "/run/medbuild/in/head/$1" "/run/medbuild/out$2"
}
section() { # name of the answers' files, heading
	cat /run/medbuild/in/*/"$1" >/tmp/s 2>/dev/null || :
	if [ -s /tmp/s ]; then { printf '\n# %s\n' "$2"; cat /tmp/s; } >>/run/medbuild/out@MANIFEST@; fi
}
@CALLS@
