package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/jupyter"
	"github.com/medbuild/medbuild/integration/kit"
)

// notebookBase is the path of the notebook service's base as an OCI layout: the
// given one, the one that an earlier run made from the same recipe, or one made
// now.
var notebookBase = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("MEDBUILD_TEST_JUPYTER"); given != "" {
		return filepath.Abs(given)
	}
	debian, err := kit.Debian()
	if err != nil {
		return "", err
	}
	ctx := context.Background()
	b, err := jupyter.New(ctx, debian)
	if err != nil {
		return "", err
	}
	return kit.Kept("jupyter-"+b.Key(), func(partial string) error { return makeNotebookBase(ctx, b, partial) })
})

// makeNotebookBase uses an engine that is gone afterwards: the folder is what
// later runs have.
func makeNotebookBase(ctx context.Context, b *jupyter.Base, path string) error {
	buildkitd, err := kit.Daemon()
	if err != nil {
		return err
	}
	root, err := kit.TempDir("mbj") // short, for the engine's socket
	if err != nil {
		return err
	}
	var log bytes.Buffer
	err = clearNotebookBases(filepath.Dir(path))
	if err == nil {
		err = b.Make(ctx, filepath.Join(root, "engine"), buildkitd, path, &log)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, kit.Last(60, log.String()))
	}
	if left := kit.LeftBy(root); left != "" {
		return errors.Join(err, errors.New(left)) // mounts may lead anywhere: nothing is removed
	}
	return errors.Join(err, os.RemoveAll(root))
}

// clearNotebookBases removes what other recipes left in the folder.
func clearNotebookBases(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "jupyter-*"))
	if err != nil {
		return err
	}
	for _, o := range old {
		if err := os.RemoveAll(o); err != nil {
			return err
		}
	}
	return nil
}

// jupyterBase is the path of the notebook service's base as an OCI layout.
func jupyterBase(t *testing.T) string {
	t.Helper()
	if os.Getenv("MEDBUILD_TEST_JUPYTER") == "" {
		kit.NeedEngine(t)
		kit.BaseTar(t) // skips where there is no Debian
	}
	started := time.Now()
	path := kit.Must(notebookBase())(t)
	t.Logf("the notebook base is %s, after %s", path, time.Since(started).Round(100*time.Millisecond))
	return path
}

// TestJupyterBase looks at what other tests rely on: as many layers as can be
// counted, and a home that is its user's and its group's.
func TestJupyterBase(t *testing.T) {
	if testing.Short() {
		t.Skip("installs JupyterLab; run without -short")
	}
	img := kit.OpenLayout(t, jupyterBase(t))
	if n := len(kit.Must(img.Layers())(t)); n < 8 {
		t.Errorf("%d layers, want 8 or more", n)
	}
	got := kit.Must(img.ConfigFile())(t).Config
	if got.User != "root" || got.WorkingDir != "/home/jovyan" || !slices.Equal(got.Entrypoint, []string{"/bin/bash", "/docker/entrypoint.bash"}) || got.Cmd != nil {
		t.Errorf("configuration %+v", got)
	}
	have := kit.FilesOf(t, img)
	for path, want := range map[string]string{
		"/home/jovyan":                                                       "1000:100 6775",
		"/home/jovyan/.bashrc":                                               "1000:100 664",
		"/home/jovyan/work":                                                  "1000:100 6775",
		"/home/jovyan/work/README.ipynb":                                     "1000:100 664",
		"/home/jovyan/work/CHANGELOG.md":                                     "1000:100 444",
		"/home/jovyan/work/requirements.txt":                                 "1000:100 444",
		"/home/jovyan/.venv/bin":                                             "1000:100 6775",
		"/home/jovyan/.venv/bin/jupyter-lab":                                 "1000:100 775",
		"/home/jovyan/.local/share/jupyter/kernels":                          "1000:100 6775",
		"/docker/entrypoint.bash":                                            "0:0 755",
		"/opt/conda/share/jupyter/lab":                                       "1000:100 6775",
		"/home/jovyan/.venv/share/jupyter/nbconvert":                         "1000:100 6775",
		"/home/jovyan/.venv/lib/python3.13/site-packages/pandas/__init__.py": "1000:100 664",
	} {
		e := have[path]
		if e == nil {
			t.Errorf("no %s", path)
			continue
		}
		if got := fmt.Sprintf("%d:%d %o", e.UID, e.GID, e.Mode); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for path, e := range have {
		if strings.HasPrefix(path, "/home/jovyan/") && (e.UID != 1000 || e.GID != 100) {
			t.Errorf("%s is of %d:%d", path, e.UID, e.GID)
		}
	}
}
