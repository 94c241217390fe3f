package stage

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// fslEnvironment is an environment file in the form of FSL's.
const fslEnvironment = `name: FSL
channels:
 - https://files.example/fslconda/public/
dependencies:
 - c-compiler 
 - fsl-avwutils 2209.3
 - fsl-bet2=2111.*
 - fsl-asl_mfree v1.0.2
 - tk 8.6.* xft_*
`

// TestFSLIsOfItsRelease: a lock of another release, or half of one, is refused.
func TestFSLIsOfItsRelease(t *testing.T) {
	t.Parallel()
	lock := CondaLock{
		{Name: "c-compiler", Version: "1.10.0", Build: "h1_0", Line: 1}, {Name: "fsl-avwutils", Version: "2209.3", Build: "h1_0", Line: 2},
		{Name: "fsl-bet2", Version: "2111.8", Build: "h1_0", Line: 3}, {Name: "fsl-asl_mfree", Version: "1.0.2", Build: "py_0", Line: 4},
		{Name: "tk", Version: "8.6.13", Build: "xft_h891_3", Line: 5}, {Name: "zlib", Version: "1", Build: "0", Line: 6},
	}
	file := func(text string) File { return File{Path: "fsl.yml", Content: []byte(text)} }
	for _, tt := range []struct {
		name, profile, environment string
		lock                       CondaLock
		want                       []string
	}{
		{"all", "full", fslEnvironment, lock, nil},
		{"a part", "minimal", fslEnvironment, lock[:2], nil},
		{"a part for all", "full", fslEnvironment, lock[:3], []string{"fsl.tsv has no package fsl-asl_mfree, which fsl.yml lists", "no package tk"}},
		{"another release", "minimal", strings.Replace(fslEnvironment, "2209.3", "2209.4", 1), lock, []string{"fsl.tsv:2: fsl-avwutils is 2209.3 h1_0, the release has 2209.4"}},
		{"another build", "full", strings.Replace(fslEnvironment, "xft_*", "noxft_*", 1), lock, []string{"tk is 8.6.13 xft_h891_3, the release has 8.6.* noxft_*"}},
		{"another file", "minimal", "name: FSL\n", lock, []string{"lists no packages\nhint: "}},
	} {
		err := tt.lock.OfRelease(File{Path: "fsl.tsv"}, file(tt.environment), tt.profile == "full")
		if len(tt.want) == 0 && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, want := range tt.want {
			if err == nil || !strings.Contains(problem.Text(err), want) {
				t.Errorf("%s: %v, want %q", tt.name, err, want)
			}
		}
	}
	if err := lock.OfRelease(File{}, File{}, true); err != nil {
		t.Errorf("without an environment file: %v", err)
	}
}
