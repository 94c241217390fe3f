package standins

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

// InferenceScript makes weights as a GPU saves them, and runs the inference on
// a small volume; 13x11x13 is padded to 16x16x16 by the real one.
const InferenceScript = `
cd /tmp
/usr/bin/python3 - <<'END'
import sys
sys.path.insert(0, '/opt/synb0-disco/src')
import nibabel, numpy, torch
from model import UNet3D

torch.manual_seed(1)
torch.serialization.location_tag = lambda storage: 'cuda:0'
torch.save(UNet3D(2, 1).state_dict(), '/tmp/weights.pth')
try:
    torch.load('/tmp/weights.pth')
    sys.exit('weights of a GPU were loaded without the patch')
except RuntimeError as e:
    assert 'CUDA' in str(e), e
rng = numpy.random.default_rng(1)
for name in 'T1', 'b0':
    data = (rng.random((13, 11, 13)) * 150).astype('float32')
    nibabel.save(nibabel.Nifti1Image(data, numpy.diag([2.5, 2.5, 2.5, 1])), name + '.nii.gz')
END
/usr/bin/python3 /opt/synb0-disco/src/inference.py T1.nii.gz b0.nii.gz made.nii.gz weights.pth >/dev/null
/usr/bin/python3 -c "
import nibabel, numpy
made = nibabel.load('made.nii.gz')
data = made.get_fdata()
print(data.shape[:3], bool(numpy.isfinite(data).all()), bool(data.std() > 0), float(made.affine[0, 0]))"
`

// Synb0Files is the stand-in's repository. With MEDBUILD_TEST_SYNB0, the folder of
// a checkout of Synb0-DISCO, its own network is in it.
func Synb0Files(t testing.TB) map[string]string {
	t.Helper()
	files := upstream.Synb0()
	if own := os.Getenv("MEDBUILD_TEST_SYNB0"); own != "" {
		for _, f := range []string{"src/inference.py", "src/model.py", "src/util.py"} {
			files[f] = kit.ReadFile(t, filepath.Join(own, f))
		}
	}
	return files
}
