#!/bin/bash
# First process of the service: root's part. It looks at the folders that the
# platform mounts, gives them to the notebook user and starts the notebook as it.
set -euo pipefail

say() { echo "entrypoint: $*" >&2; }
stop() { say "$*"; exit 1; }

owner() { stat -c '%u:%g' "$1"; }

check_mounts() {
	local folder
	for folder in "$DY_SIDECAR_PATH_INPUTS" "$DY_SIDECAR_PATH_OUTPUTS"; do
		mountpoint -q "$folder" || stop "$folder is not mounted"
	done
	[ "$(owner "$DY_SIDECAR_PATH_INPUTS")" = "$(owner "$DY_SIDECAR_PATH_OUTPUTS")" ] ||
		stop "inputs and outputs differ in owner or group"
}

# join gives the notebook user the group of the mounted folders, which keeps what
# the platform's own account puts there readable.
join() {
	local uid gid group
	uid=$(stat -c %u "$DY_SIDECAR_PATH_INPUTS")
	gid=$(stat -c %g "$DY_SIDECAR_PATH_INPUTS")
	[ "$uid" != 0 ] || gid=0
	group=$(getent group "$gid" | cut -d: -f1) || true
	if [ -z "$group" ]; then
		group=myjovyan
		groupadd --gid "$gid" "$group"
	fi
	usermod --append --groups "$group" "$NB_USER"
	say "$NB_USER is in group $group ($gid)"
}

hand_over() {
	mkdir -p "$NOTEBOOK_BASE_DIR/workspace"
	chown --recursive "$NB_USER" "$NOTEBOOK_BASE_DIR/workspace" "$DY_SIDECAR_PATH_INPUTS" "$DY_SIDECAR_PATH_OUTPUTS"
	[ ! -e "$NOTEBOOK_BASE_DIR/README.ipynb" ] ||
		mv "$NOTEBOOK_BASE_DIR/README.ipynb" "$NOTEBOOK_BASE_DIR/workspace/README.ipynb"
	# What is saved beside the mounted folders would be lost.
	chmod gu-w "$NOTEBOOK_BASE_DIR"
}

say "started as $(id -un), mode ${DY_BOOT_OPTION_BOOT_MODE:-0}"
check_mounts
join
hand_over
exec gosu "$NB_USER" /docker/boot_notebook.bash
