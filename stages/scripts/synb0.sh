# Copies Synb0-DISCO into its prefix and makes it run on the CPU.
src=/run/medbuild/src
to=@PREFIX@

fail() { echo "$@" >&2; exit 1; }

if [ -d $src/src ]; then
	tar -C $src --exclude=./v1_0 --exclude=./.git -cf - . | tar -x --no-same-owner -C "$to" -f -
else
	tar -x --strip-components=1 --exclude='*/v1_0' --no-same-owner -C "$to" -f $src/*
fi
cd "$to"
for f in src/model.py src/util.py src/synb0.cnf data_processing/prepare_input.sh data_processing/normalize_T1.sh \
	atlases/mni_icbm152_t1_tal_nlin_asym_09c.nii.gz atlases/mni_icbm152_t1_tal_nlin_asym_09c_mask.nii.gz \
	atlases/mni_icbm152_t1_tal_nlin_asym_09c_2_5.nii.gz; do
	[ -f $f ] || fail "Synb0-DISCO has no $f"
done

# replace FILE OLD NEW changes the one place in FILE that has OLD. Where that is
# not exactly one the file is another than the patch was made for.
replace() {
	n=$(grep -cF -- "$2" "$1") || :
	[ "$n" = 1 ] || fail "$1 has $n lines with $2, want one: it is not the file that the patch for the CPU was made for
hint: pin the commit d813f9435cffb5b663f15b52d55ed0a27181f0b2"
	old=$(printf '%s' "$2" | sed 's/[][\.*^$|]/\\&/g')
	sed -i "s|$old|$3|" "$1"
	grep -qF -- "$3" "$1" || fail "$1: the patch for the CPU did not apply"
}
replace src/inference.py 'device = torch.device("cuda")' 'device = torch.device("cpu")'
replace src/inference.py 'torch.load(model_path)' 'torch.load(model_path, map_location=device)'
if grep -n 'cuda' src/inference.py src/model.py src/util.py >&2; then
	fail "Synb0-DISCO still asks for a GPU after the patch for the CPU"
fi

mkdir -p bin
install -m 755 /run/medbuild/command/synb0-disco bin/synb0-disco
ln -s ../data_processing/normalize_T1.sh bin/normalize_T1.sh
echo '@COMMIT@' >COMMIT
chmod -R u+rwX,go+rX,go-w .
chmod a+x data_processing/prepare_input.sh data_processing/normalize_T1.sh
@FOLDERS@
