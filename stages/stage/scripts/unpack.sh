mkdir -p @TO@
@BEFORE@
tar @OPTIONS@ -f @FROM@ -C @TO@ --no-same-owner --strip-components=@STRIP@@PATTERNS@
rm -f /tmp/unpack.tar
[ -n "$(ls -A @TO@)" ] || { echo 'the source has nothing at this depth: see strip' >&2; exit 1; }
chmod -R a+rX @TO@
