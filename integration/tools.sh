#!/bin/sh
# Installs what the quickstart and the tests need and this machine lacks. Says
# what to do where it cannot: not root, or not Debian.
set -eu

lacking=
for pair in runc:runc git:git bzip2:bzip2 mmdebstrap:mmdebstrap skopeo:skopeo umoci:umoci; do
	command -v "${pair%%:*}" >/dev/null || lacking="$lacking ${pair#*:}"
done
/usr/bin/python3 -c 'import yaml' 2>/dev/null || lacking="$lacking python3-yaml"
[ -n "$lacking" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "these programs are missing:$lacking" >&2
	echo "hint: install them, for instance with sudo apt-get install$lacking" >&2
	exit 1
fi
echo "installing$lacking" >&2
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $lacking >/dev/null
