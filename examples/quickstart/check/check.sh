#!/bin/sh
# Runs inside the image: asks the tools their versions, then has MRtrix3 and
# ANTs correct a diffusion image together.
set -eu

here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat /VERSION_MANIFEST.txt
echo
echo "== asked of the tools"
mrinfo --version 2>&1 | head -n 1
N4BiasFieldCorrection --version | head -n 1
python -c 'import nibabel, numpy, scipy; print("nibabel", nibabel.__version__, "numpy", numpy.__version__, "scipy", scipy.__version__)'

echo
echo "== dwibiascorrect ants, on a diffusion image with a known bias field"
python "$here/bias.py" make "$work"
cd "$work"
mrconvert -quiet dwi.nii.gz -fslgrad bvecs bvals dwi.mif
mrconvert -quiet mask.nii.gz -datatype bit mask.mif
dwibiascorrect -quiet ants dwi.mif corrected.mif -mask mask.mif -bias bias.mif
mrconvert -quiet corrected.mif corrected.nii.gz
python "$here/bias.py" measure "$work"
