package stages

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
)

// TestUnpinnableAddresses: wherever an address can stand, ftp is refused at its
// line.
func TestUnpinnableAddresses(t *testing.T) {
	t.Parallel()
	requirements := "# wheels\nnumpy==2.1.0 --hash=sha256:" + testkit.SHA256 + "\ntorch @ ftp://wheels.example/torch-2.5-py3-none-any.whl \\\n    --hash=sha256:" + testkit.SHA256 + "\n"
	p := testkit.With(quickPython().(*Python), func(p *Python) {
		p.Packages, p.Requirements = nil, stage.File{Path: "requirements.txt", Content: []byte(requirements)}
	})
	_, err := newTarget("t", stagetest.Trixie(), p).Assemble()
	testkit.WantText(t, err, "python: requirements.txt:3: source ftp://wheels.example/torch-2.5-py3-none-any.whl cannot be fetched", "hint: ")
	p.Requirements.Content = []byte(strings.Replace(requirements, "ftp:", "https:", 1))
	if in := stagetest.Stage(t, p, stagetest.Trixie()).Inputs; len(in) != 1 || in[0].At.String() != "requirements.txt:3:1" {
		t.Errorf("the wheel is at %v", in)
	}
	_, err = stage.ReadCondaLock(stage.File{Path: "fsl.tsv", Content: []byte("# packages\n1\t" + testkit.SHA256 + "\tftp://conda.example/linux-64/a-1-0.conda\tMIT\n")})
	testkit.WantText(t, err, "fsl.tsv:2: ", "ftp://conda.example/linux-64/a-1-0.conda", "hint: ")
}

func TestUnpinnedSourcesAreAllowedForOneRun(t *testing.T) {
	t.Parallel()
	g := stage.Ground{AllowUnpinned: true}
	for _, s := range []stage.Source{{URL: "https://files.example/a.zip"}, {Git: "https://git.example/a.git"}} {
		in, err := s.Input(g)
		if err != nil || in.Pinned() || in.Address != s.URL+s.Git {
			t.Errorf("%+v: %+v, %v", s, in, err)
		}
		if _, err := s.Input(stage.Ground{}); err == nil || !strings.Contains(problem.Text(err), "--allow-unpinned") {
			t.Errorf("%+v is taken without the flag, or without a hint at it: %v", s, err)
		}
	}
	_, err := stage.Source{URL: "https://files.example/a.zip", SHA256: "beef"}.Input(g)
	testkit.WantText(t, err, "does not pin it")
}
