#!/bin/sh
# Runs shellcheck over every shell script of the repository. Scripts for zsh and
# fish, which shellcheck does not read, are left out.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v shellcheck >/dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "shellcheck is missing" >&2
		echo "hint: install it, for instance with sudo apt-get install shellcheck" >&2
		exit 1
	fi
	echo "installing shellcheck" >&2
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends shellcheck >/dev/null
fi

files() { git ls-files -z --cached --others --exclude-standard -- "$@"; }

# with_shell lists the files whose first line names a shell, without_shell the
# others of those it reads.
with_shell() { xargs -0 awk 'FNR == 1 && /^#!.*sh( |$)/ { printf "%s%c", FILENAME, 0 } { nextfile }'; }
without_shell() { xargs -0 awk 'FNR == 1 && !/^#!/ { printf "%s%c", FILENAME, 0 } { nextfile }'; }

files | with_shell | xargs -0 shellcheck

# The scripts of stages are parts of what sh -eu -c gets, after the @NAME@ in them
# are filled in: a cd that fails ends the step, and so does a variable that no part
# sets.
files '*.sh' ':!*/completion/*' | without_shell | xargs -0 shellcheck --shell=sh --exclude=SC2164,SC2154

# Completion is read by the user's own shell.
shellcheck --shell=bash cmd/medbuild/completion/bash.sh
