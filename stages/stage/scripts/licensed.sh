# licensed names the files that look like a FreeSurfer licence, which names the
# person who registered: an address and a number in the first two lines, and an
# asterisk before the third. Its arguments are find's.
licensed() {
	find "$@" -type f -size -3 -exec grep -lE '^[^ @]+@[^ @]+[.][^ @]+[[:space:]]*$' {} + | while read -r f; do
		if grep -qE '^[0-9]+[[:space:]]*$' "$f" && grep -qE '^ ?[*]' "$f"; then echo "$f"; fi
	done
}
