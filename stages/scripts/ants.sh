unzip -q /run/medbuild/src/*.zip '*/bin/*' -x '*.a' -d /tmp/ants
mkdir @PREFIX@/bin && cd /tmp/ants/*/bin
mv @COMMANDS@ @PREFIX@/bin/
chmod -R a+rX @PREFIX@
