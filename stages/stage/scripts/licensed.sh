# licensed names the files under 64 kB that hold a FreeSurfer licence, plain or
# compressed with gzip, whatever their names are. Its arguments are find's. Many
# files are read side by side: a disk that has to bring each one is waited for
# less. Those that are compressed are looked at together first: there are thousands
# of manual pages.
small() { find "$@" -type f -size +16c -size -65536c -print0; }
side_by_side() { xargs -0 -r -P 8 -n 500 env LC_ALL=C grep -la --line-buffered "$@" || :; }
licensed() {
	pattern=@PATTERN@
	small "$@" | side_by_side -zE -e "$pattern"
	packed=$(small "$@" | side_by_side -E -e "^$(printf '\037\213\010')")
	if [ -z "$packed" ] || ! printf '%s\n' "$packed" | xargs -d '\n' gzip -dc 2>/dev/null | LC_ALL=C grep -qzaE -e "$pattern"; then return 0; fi
	printf '%s\n' "$packed" | while read -r f; do
		if gzip -dc "$f" 2>/dev/null | LC_ALL=C grep -qzaE -e "$pattern"; then printf '%s\n' "$f"; fi
	done
}
