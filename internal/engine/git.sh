#!/bin/sh
# Written by medbuild at every start: git for this site.
@EXPORTS@
export PATH=@PATH@
case " $* " in
*" submodule "*)
	GIT_CONFIG_GLOBAL=@MIRRORS@
	export GIT_CONFIG_GLOBAL
	for a do
		case $a in
		http.*.extraheader=*) a=$(printf '%s\n' "$a" | sed -E 's|^(http\.https?://[^/]+)/.*\.extraheader=|\1/.extraheader=|') ;;
		esac
		shift
		set -- "$@" "$a"
	done
	;;
esac
exec git "$@"
