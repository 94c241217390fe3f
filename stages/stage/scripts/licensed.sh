# licensed names the files under 64 kB that hold a FreeSurfer licence, plain or
# compressed with gzip, whatever their names are. Its arguments are find's. Those
# that are compressed are looked at together first: there are thousands of manual
# pages.
licensed() {
	pattern=@PATTERN@
	find "$@" -type f -size -65536c -exec env LC_ALL=C grep -lzaE -e "$pattern" {} + || :
	packed=$(find "$@" -type f -size -65536c -exec env LC_ALL=C grep -laE -e "^$(printf '\037\213\010')" {} + || :)
	if [ -z "$packed" ] || ! echo "$packed" | xargs -d '\n' gzip -dc 2>/dev/null | LC_ALL=C grep -qzaE -e "$pattern"; then return; fi
	echo "$packed" | while read -r f; do
		if gzip -dc "$f" 2>/dev/null | LC_ALL=C grep -qzaE -e "$pattern"; then echo "$f"; fi
	done
}
