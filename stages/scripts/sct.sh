# Installs Spinal Cord Toolbox with its own installer, which wants to work in
# the folder it will stay in: a conda environment cannot be moved.
src=/run/medbuild/src
to=@PREFIX@
tools=/tmp/sct-tools

tree=$src
if [ ! -f "$src/install_sct" ]; then
	tree=/tmp/sct-source
	mkdir $tree && tar -x --strip-components=1 --no-same-owner -C $tree -f "$src"/*
fi
tar -C $tree --exclude=./.git --exclude=./.github --exclude=./documentation -cf - . | tar -x --no-same-owner -C "$to" -f -

# The installer fetches Miniforge without looking at its checksum. The file that
# is given is taken instead, by a wget that knows it.
mkdir $tools
cat >$tools/wget <<'END'
#!/bin/sh
for last; do :; done
case $last in
*/Miniforge3-*.sh) ;;
*) exec /usr/bin/wget "$@" ;;
esac
while [ "$1" != -O ]; do shift; done
cp /run/medbuild/miniforge/* "$2"
END
chmod +x $tools/wget

# HOME takes the changes to shell start-up files that the installer makes.
export HOME=/tmp/sct-home SHELL=/bin/bash PATH="$tools:$PATH"
mkdir -p $HOME
touch $HOME/.bashrc
cd "$to"
@MODELS@
# The installer names an index of CPU builds beside the usual one. Where a site
# has others, pip would take the build for CUDA, which is fifty times as large.
torch=@TORCH@
if [ -n "$torch" ]; then
	echo "torch==$torch+cpu" >$tools/constraints.txt
	export PIP_CONSTRAINT=$tools/constraints.txt
fi
bash ./install_sct -i -y@FLAGS@ || {
	tail -n 40 install_sct_log.txt >&2
	! grep -q "No matching distribution found for torch==$torch+cpu" install_sct_log.txt ||
		echo "no index of this site has torch $torch+cpu: PyTorch's own index of CPU builds, or a mirror of it, does" >&2
	exit 1
}
cp $tree/install_sct install_sct

# Package caches, and a log that differs each time.
rm -rf python/pkgs install_sct_log.txt
find . -name .git -prune -exec rm -rf {} +
find . -name '*.a' -type f -delete
[ -x bin/sct_version ] || { echo "the installer made no bin/sct_version" >&2; exit 1; }

# Byte code holds the time of its source, which the layer sets anew. Packages
# bring files for other Pythons that do not compile.
find . -exec touch -h -d @@EPOCH@ {} +
python/envs/venv_sct/bin/python -m compileall -q -f python/envs/venv_sct/lib spinalcordtoolbox >/dev/null 2>&1 || :
@OWN@
