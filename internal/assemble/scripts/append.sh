# Adds to files that the base has, at their end. Owner and mode stay, and the time
# is the constant one.
append() { # file, what is added
	if [ ! -f "$1" ]; then
		echo "the base has no file $1 to add to" >&2
		echo 'hint: leave append out, and the file is the whole of it' >&2
		exit 1
	fi
	[ -z "$(tail -c 1 "$1")" ] || echo >>"$1"
	cat "$2" >>"$1"
	touch -d @@EPOCH@ "$1"
}
