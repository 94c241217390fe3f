# Unpacks FreeSurfer into its prefix and leaves out what is not asked for while it
# does, in one pass over the archive. /run/medbuild/lists has the patterns:
# prune   what the profile and the user leave out
# keep    what the profile keeps of it, unless the user leaves it out (drop)
# more    what the user keeps whatever else is said
# never   licence files, at any depth
#
# shellcheck disable=SC2046 # what without prints is several options
lists=/run/medbuild/lists
folder=@PATH@
src=/run/medbuild/src$folder
to=@PREFIX@
version='@VERSION@'
export LC_ALL=C

fail() { echo "$@" >&2; exit 1; }

if [ -n "$folder" ]; then # it is empty for an archive
	[ -d "$src/bin" ] || fail "the image has no FreeSurfer at $folder"
	top=. from=folder
else
	src=$(echo "$src"/*) from=archive
	top=$(gzip -dc "$src" 2>/dev/null | tar -tf - 2>/dev/null | head -n 1 | cut -d / -f 1)
	[ -n "$top" ] || fail "$src is no tar archive compressed with gzip"
fi

stream() {
	if [ $from = folder ]; then tar -C "$src" -cf - .; else gzip -dc "$src"; fi
}

# A pattern with a slash is a path from the top, one without is a name in any
# folder: tar takes each sort with options of its own.
for list in prune drop keep more never; do
	sed -n "/\//{s|^/*|$top/|;s|/*\$||;p}" $lists/$list >/tmp/$list.paths
	sed '/\//d' $lists/$list >/tmp/$list.names
done
without() { echo "--anchored --exclude-from=/tmp/$1.paths --no-anchored --exclude-from=/tmp/$1.names"; }

# Each of the three readers has a folder of its own: in one they would make the
# same folders under each other's hands.
extract() {
	into=$1; shift
	mkdir -p "$into"
	tar -x --strip-components=1 --no-same-owner -C "$into" --wildcards --no-wildcards-match-slash $(without never) "$@"
}

# A pattern of a profile need not match: releases differ. An empty list means
# nothing here, and everything to tar.
kept() {
	name=$1; shift
	if [ ! -s "$lists/$name" ]; then cat "/tmp/$name.fifo" >/dev/null; return; fi
	extract "$to/.$name" -f "/tmp/$name.fifo" "$@" --anchored -T "/tmp/$name.paths" --no-anchored -T "/tmp/$name.names" 2>"/tmp/$name.log" && return
	! grep -vE ': Not found in archive$|^tar: Exiting with failure status' "/tmp/$name.log" >&2
}

mkfifo /tmp/keep.fifo /tmp/more.fifo
kept keep $(without drop) & keep=$!
kept more & more=$!
stream | tee /tmp/keep.fifo /tmp/more.fifo | extract "$to" -f - $(without prune) $(without drop)
wait $keep
wait $more

there() {
	case $1 in
	*/*) for f in ./${1#/}; do [ ! -e "$f" ] || return 0; done; return 1 ;;
	*) [ -n "$(find . -name "$1" -print -quit)" ] ;;
	esac
}

cd "$to"
for name in keep more; do
	[ ! -d .$name ] || cp -alfT .$name .
	rm -rf .$name
done
while read -r pattern; do
	there "$pattern" || fail "keep: nothing in FreeSurfer matches $pattern"
done <$lists/more
for f in build-stamp.txt SetUpFreeSurfer.sh bin/mri_convert subjects/fsaverage; do
	[ -e $f ] || fail "$f is missing: the source is no FreeSurfer, or too much of it was left out"
done
grep -q -- "$version" build-stamp.txt || fail "the source is $(cat build-stamp.txt), components.toml has $version"

# No licence may reach anyone else, under whatever name.
found=$(find . -name license.txt -o -name .license)
[ -z "$found" ] || fail "licence files would get into the layer: $found"
found=$(licensed .)
[ -z "$found" ] || fail "$found looks like a FreeSurfer licence, which must not get into the layer
hint: leave it out with prune, or out of the source"

ln -s @LICENCE@ license.txt
install -m 755 $lists/fs-license bin/fs-license
chmod -R u+rwX,go+rX,go-w .
