"""A diffusion image whose bias field is known, and how much bias is left.

bias.py make DIR      writes dwi.nii.gz, bvals, bvecs, truth.nii.gz, mask.nii.gz
bias.py measure DIR   compares corrected.nii.gz with the truth; fails unless
                      less bias is left than there was
"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

SHAPE = (48, 48, 40)
AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])  # mm
DIRECTIONS = np.array(
    [[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], float
)
BVALS = np.array([0, 0, 1000, 1000, 1000, 1000, 1000, 1000])  # s/mm2


def grid():
    """Coordinates from -1 to 1 along each axis."""
    return np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")


def head():
    """A mask of an ellipsoid and, in it, two tissues with smooth borders."""
    x, y, z = grid()
    mask = (x / 0.8) ** 2 + (y / 0.85) ** 2 + (z / 0.8) ** 2 < 1
    core = (x / 0.5) ** 2 + (y / 0.55) ** 2 + (z / 0.5) ** 2 < 1
    return mask, ndimage.gaussian_filter(np.where(core, 700.0, 1000.0), 1.0)


def bias():
    """A field from about 0.6 to 1.6, as a receive coil at one side gives."""
    x, y, z = grid()
    return np.exp(0.35 * x - 0.2 * y + 0.15 * z - 0.15 * x * y)


def signal(tissue):
    """One volume for each b-value: free diffusion and a little noise."""
    decay = np.exp(-BVALS * 0.8e-3)
    noise = np.random.default_rng(1).normal(0, 5, (*SHAPE, len(BVALS)))
    return tissue[..., None] * decay + noise


def save(path, data):
    nib.save(nib.Nifti1Image(data.astype(np.float32), AFFINE), path)


def make(folder):
    mask, tissue = head()
    clean = signal(tissue) * mask[..., None]
    norms = np.maximum(np.linalg.norm(DIRECTIONS, axis=1, keepdims=True), 1)
    save(folder / "dwi.nii.gz", np.maximum(clean * bias()[..., None], 0))
    save(folder / "truth.nii.gz", clean)
    save(folder / "mask.nii.gz", mask)
    np.savetxt(folder / "bvecs", (DIRECTIONS / norms).T, fmt="%.6f")
    np.savetxt(folder / "bvals", BVALS[None], fmt="%d")


def spread(image, truth, mask):
    """Standard deviation of log(image/truth) in the mask: 0 without a bias."""
    ratio = image[mask][:, :2].mean(axis=1) / truth[mask][:, :2].mean(axis=1)
    return float(np.std(np.log(ratio)))


def load(folder, name):
    return np.asarray(nib.load(folder / name).dataobj)


def measure(folder):
    truth = load(folder, "truth.nii.gz")
    mask = ndimage.binary_erosion(load(folder, "mask.nii.gz") > 0, iterations=2)
    before = spread(load(folder, "dwi.nii.gz"), truth, mask)
    after = spread(load(folder, "corrected.nii.gz"), truth, mask)
    print(f"bias field: {before:.3f} before, {after:.3f} after the correction ({100 * after / before:.0f} % is left)")
    return after < 0.5 * before


if __name__ == "__main__":
    action, folder = sys.argv[1], Path(sys.argv[2])
    if action == "make":
        make(folder)
    elif not measure(folder):
        sys.exit("the correction left too much of the bias")
