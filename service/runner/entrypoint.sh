#!/bin/sh
# Starts a command as the user SC_USER_NAME, with the rights that the mounted
# folders ask for. The container starts as root; nothing of it runs as root but
# this script.
set -eu

user=${SC_USER_NAME:-scu}
input=${INPUT_FOLDER:-/input}
output=${OUTPUT_FOLDER:-/output}

fail() {
	echo "entrypoint: $1" >&2
	[ -z "${2:-}" ] || echo "hint: $2" >&2
	exit 1
}

for folder in "$input" "$output"; do
	[ -d "$folder" ] || fail "$folder is not mounted" "start the container with --volume FOLDER:$folder"
done
owner=$(stat -c %u:%g "$input")
[ "$owner" = "$(stat -c %u:%g "$output")" ] ||
	fail "$input belongs to $owner and $output to $(stat -c %u:%g "$output")" "give both folders the same owner and group"

# The user joins the folders' group, made when none has its number.
gid=${owner#*:}
group=$(getent group "$gid" | cut -d : -f 1)
if [ -z "$group" ]; then
	group=my$user
	groupadd --gid "$gid" "$group"
fi
usermod --append --groups "$group" "$user"

if command -v fs-license >/dev/null; then
	# shellcheck disable=SC2034 # fs-license reads it
	FS_LICENSE_OWNER=$user
	# shellcheck source=/dev/null
	. "$(command -v fs-license)"
	unset FS_LICENSE_OWNER
fi

HOME=$(getent passwd "$user" | cut -d : -f 6)
PATH=$PATH:/home/$user/service.cli
export HOME PATH USER="$user" LOGNAME="$user"
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
