package llb

import (
	"testing"

	"github.com/medbuild/medbuild/llb/llbtest"
)

// TestFolder: the order of a map must not show.
func TestFolder(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"b": []byte("2"), "a": []byte("1"), "c": nil}
	llbtest.Stable(t, func() State { return Folder("write lists", files) })
	g := llbtest.Read(t, llbtest.End{State: Folder("write lists", files)})
	op := g.Find("write lists")
	if op == nil || len(op.GetFile().Actions) != len(files) {
		t.Fatalf("operation %v", op)
	}
	for i, want := range []string{"/a", "/b", "/c"} {
		if m := op.GetFile().Actions[i].GetMkfile(); m.Path != want || m.Timestamp != Epoch*1e9 {
			t.Errorf("file %d is %s of %d, want %s of %d", i, m.Path, m.Timestamp, want, int64(Epoch*1e9))
		}
	}
}
