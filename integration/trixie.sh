#!/bin/sh
# Makes a Debian trixie root file system as a tar: trixie.sh OUT.tar
# The mirrors are those of this machine's own apt, for another release.
set -eu

out=$1
[ ! -e "$out" ] || exit 0
mkdir -p "$(dirname "$out")"

# shellcheck source=/dev/null
. /etc/os-release
# One "deb" line for each of the distribution's archives that apt knows here,
# the one of the release itself first.
# shellcheck disable=SC2016 # apt-get fills these in
sources=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(SUITE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
	awk -v own="$VERSION_CODENAME" '$NF == "Debian" && $4 == "main" { sub(own, "trixie", $2); print ($2 == "trixie" ? 0 : 1), "deb", $1, $2, "main" }' |
	sort -u | cut -d" " -f2-)
[ -n "$sources" ] || { echo "this machine's apt knows no Debian archive" >&2; exit 1; }

# One constant time: the tar is the same for the same packages. Installing does
# not wait for the disk, as in Docker's own Debian images: a step that is cut off
# leaves nothing. Device nodes are left out: an engine that does not run as root
# cannot make them, and whatever runs a container gives it a /dev of its own.
SOURCE_DATE_EPOCH=946684800 mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io --skip=output/dev trixie "$out.partial.tar" - <<-END
	$sources
END
dev=$(mktemp -d)
trap 'rm -r "$dev"' EXIT
mkdir "$dev/dev"
tar --append --file "$out.partial.tar" --directory "$dev" --mtime @946684800 --owner 0 --group 0 --numeric-owner --mode 755 ./dev
mv "$out.partial.tar" "$out"
