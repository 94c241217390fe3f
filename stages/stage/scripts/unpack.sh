# Everything that is packed comes out as one stream, of which tar gets no more than
# is allowed: how much there is in it is known only once it was unpacked.
set -- @FROM@
archive=$1
most=@MOST@
if [ $most = 0 ]; then # no tool is packed a hundred times smaller, but small data may be
	most=$(($(wc -c <"$archive") * 100))
	[ $most -gt 1000000000 ] || most=1000000000
	[ $most -lt 40000000000 ] || most=40000000000
fi
entries=$((most / 4096)) # a block of a disk is the least that one takes
[ $entries -gt 100000 ] || entries=100000

stream() { @STREAM@; }
bounded() { head -c "$most"; [ "$(head -c 1 | wc -c)" = 0 ] || : >/tmp/unpack/much; }
extract() { tar -x -v --quoting-style=escape -f - -C @TO@ --no-same-owner --strip-components=@STRIP@@PATTERNS@; }
failed() { : >/tmp/unpack/failed; }
refuse() {
	printf '%s\nhint: %s\n' "$1" "$2" >&2
	exit 1
}
large() {
	find @TO@ -mindepth 1 -delete # the engine may keep for a while what a failed step leaves
	refuse "the archive unpacks to more than $1" 'if that is right, state its size in the component, such as unpacked = "60 GB"'
}

mkdir -p @TO@ /tmp/unpack
{ stream || failed; } | bounded | { extract || failed; } | head -n $((entries + 1)) | wc -l >/tmp/unpack/entries
[ ! -e /tmp/unpack/much ] || large "$most bytes"
[ "$(cat /tmp/unpack/entries)" -le $entries ] || large "$entries files and folders"
[ ! -e /tmp/unpack/failed ] || exit 1
[ -n "$(ls -A @TO@)" ] || refuse 'the source has nothing at this depth' 'see strip'
# A sparse file takes no room here, and all of it in an image.
[ "$(find @TO@ -type f -print0 | du -cb --files0-from=- | tail -n 1 | cut -f 1)" -le "$most" ] || large "$most bytes"

found=$(find @TO@ ! -type f ! -type d ! -type l)
[ -z "$found" ] || refuse "the source has a device, a pipe or a socket, which must not get into an image: $found" 'leave it out of the source, or with prune'
chmod -R a+rX @TO@
set -- @KEPT@
for f do
	[ -e "$f" ] || refuse "keep_modes: the source has no $f" 'write the path below the prefix, as it is after strip'
done
find @TO@ ! -type l -perm /6002@EXCEPT@ -fprint /tmp/unpack/modes -exec chmod ug-s,o-w {} +
[ ! -s /tmp/unpack/modes ] || { echo 'these lose set-uid, set-gid or world-writable bits (keep_modes keeps them):'; head -n 20 /tmp/unpack/modes; }
