package stages

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

// TestC3DVersion: releases before and since 1.4.2 tell their version in other words.
func TestC3DVersion(t *testing.T) {
	t.Parallel()
	for want, says := range map[string]string{
		"1.0.0": "Version 1.0.0\n",
		"1.4.6": "Convert3D Version 1.4.6\n  Release date:      May 1, 2025\n  GIT branch:        master\n",
	} {
		got, stderr, err := stagetest.Answer(t, stagetest.Question(t, newC3D(), want), says)
		if err != nil || got != want {
			t.Errorf("version %q of %q: %v %s", got, says, err, stderr)
		}
	}
}

// TestC3DCommands: each program is unpacked once, whether or not c3d, which is
// asked the version, is among those to keep.
func TestC3DCommands(t *testing.T) {
	t.Parallel()
	for _, commands := range [][]string{{"c3d"}, {"c3d", "c3d_affine_tool"}, {"c3d_affine_tool", "c3d"}, {"c2d", "c2d"}} {
		t.Run(strings.Join(commands, " "), func(t *testing.T) {
			root := t.TempDir()
			for _, f := range []string{"c3d", "c2d", "c3d_affine_tool", "c3d_gui"} {
				testkit.Write(t, filepath.Join(root, "tree", "c3d-1", "bin", f), "")
			}
			shell(t, "mkdir "+root+"/src && tar -C "+root+"/tree -czf "+root+"/src/c3d.tar.gz c3d-1")
			u := stage.Unpacking{Format: "tar.gz", Strip: 1, To: filepath.Join(root, "to"), Keep: newC3D(commands...).kept()}
			if out, err := testkit.RunUnpacking(u.Script(), root); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, c := range commands {
				if !slices.Contains(testkit.FilesBelow(t, u.To), "bin/"+c) {
					t.Errorf("no %s", c)
				}
			}
		})
	}
}
