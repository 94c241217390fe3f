#!/bin/sh
# Builds the quickstart image into out/quickstart and runs its tools in it.
# make quickstart has built medbuild and installed what was missing.
set -eu
cd "$(dirname "$0")/../.."

integration/trixie.sh out/trixie.tar
bin/medbuild build --file examples/quickstart/components.toml --target production \
	--output type=oci,dest=out/quickstart,tar=false
bin/medbuild run --file examples/quickstart/components.toml --target production \
	--volume "$PWD/examples/quickstart/check:/check:ro" -- /bin/sh /check/check.sh
