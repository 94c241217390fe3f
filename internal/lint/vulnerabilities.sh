#!/bin/sh
# Looks for known vulnerabilities in the code that medbuild and buildkitd call:
# vulnerabilities.sh MODULE, the module of govulncheck with its version.
#
# The database is fetched from the Go project, or from where GOVULNDB says (a
# mirror, or a copy in a folder as file:///…). Where it cannot be reached nothing
# is checked, which is said, and is an error with VULNERABILITIES=required.
set -eu
cd "$(dirname "$0")/../.."

govulncheck() { go run "$module" ${GOVULNDB:+-db="$GOVULNDB"} "$@"; }

module=$1
about=$(govulncheck -version)
case $about in
*"DB updated:"*) ;;
*)
	echo "vulnerabilities: NOT CHECKED, the database cannot be reached:" >&2
	echo "$about" | sed -n 's/^DB:/ /p' >&2
	echo "hint: GOVULNDB names a mirror, or a copy as file:///folder" >&2
	if [ "${VULNERABILITIES:-}" = required ]; then exit 1; fi
	exit 0
	;;
esac
govulncheck ./...
govulncheck -C internal/engine/daemon github.com/moby/buildkit/cmd/buildkitd
