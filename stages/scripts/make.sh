@UNPACK@
cd /tmp/source
/usr/sbin/update-ccache-symlinks
PATH=/usr/lib/ccache:$PATH
JOBS=${MEDBUILD_JOBS:-$(nproc)}
MAKEFLAGS=-j$JOBS
export PATH JOBS MAKEFLAGS
ccache --zero-stats >/dev/null
@RUN@
@COMMANDS@
ccache --show-stats
[ -n "$(ls -A @PREFIX@)" ] || { echo "the commands wrote nothing to PREFIX, $PREFIX" >&2; exit 1; }
