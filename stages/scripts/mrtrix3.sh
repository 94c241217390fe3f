mkdir /tmp/mrtrix3 && cd /tmp/mrtrix3
if [ -f /run/medbuild/src/configure ]; then cp -R /run/medbuild/src/. .; else tar -xf /run/medbuild/src/* --strip-components=1; fi
PATH=/usr/lib/ccache:$PATH
python3 ./configure @CONFIGURE@
ccache --zero-stats >/dev/null
NUMBER_OF_PROCESSORS=${MEDBUILD_JOBS:-$(nproc)} python3 ./build -nopaginate @TARGETS@
ccache --show-stats
cp -R bin lib share LICENCE.txt @PREFIX@/
@LEFT@
grep -rlIE '^#!/usr/bin/env python3? *$' @PREFIX@/bin | xargs -r sed -Ei '1s|^#!/usr/bin/env python3? *$|#!/usr/bin/python3|'
