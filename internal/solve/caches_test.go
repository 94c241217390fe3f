package solve_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/moby/buildkit/client"
)

const lost = "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:" + testkit.SHA256 + " (application/vnd.oci.image.layer.v1.tar+zstd) from remote: not found"

func cachesOf(references ...string) []client.CacheOptionsEntry {
	var out []client.CacheOptionsEntry
	for _, r := range references {
		out = append(out, client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{"ref": r}})
	}
	return out
}

// A cache that cannot be read is said once, with what its registry answered, and is
// not asked again; the others are.
func TestUnreadableCache(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Caches: map[string]error{
		"hub.example/c:1": errors.New("failed to configure registry cache importer: unexpected status from HEAD request to https://hub.example/v2/c/manifests/1: 401 Unauthorized")}}
	s := on(t, e, solve.Settings{Imports: cachesOf("hub.example/c:1", "hub.example/d:1")})
	for range 2 {
		if _, err := s.One(t.Context(), job(tool())); err != nil {
			t.Error(err)
		}
	}
	s.end(t)
	if want := "cache hub.example/c:1 is not read: registry hub.example answers 401 Unauthorized to HEAD /v2/c/manifests/1"; s.told() != want {
		t.Errorf("told %q, want %q", s.told(), want)
	}
	if got := e.Read(); !slices.Equal(got, []string{"hub.example/c:1", "hub.example/d:1", "hub.example/d:1"}) {
		t.Errorf("read %q", got)
	}
}

// A step that wants a layer which a cache has lost is solved once more without the
// cache, whoever seems to have lost it.
func TestCacheLacksALayer(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]struct{ said, why string }{
		"lost":     {lost, "it has no blob sha256:" + testkit.SHA256 + " any more"},
		"500":      {"failed to copy: httpReadSeeker: failed open: unexpected status from GET request to http://hub.example/v2/c/blobs/sha256:0: 500 Internal Server Error", "registry hub.example answers 500 Internal Server Error to GET /v2/c/blobs/sha256:0"},
		"refused":  {`failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://hub.example/v2/c/blobs/sha256:0": dial tcp: connection refused`, "registry hub.example: dial tcp: connection refused"},
		"damaged":  {`failed commit on ref "layer-sha256:0": unexpected commit digest sha256:1, expected sha256:0: failed precondition`, "failed commit on ref"},
		"of image": {lost, "it has no blob"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &solvetest.Engine{Fail: map[string][]error{compile: {errors.New(said.said)}}}
			s := on(t, e, solve.Settings{Imports: cachesOf("hub.example/c:1")})
			if _, err := s.One(t.Context(), job(tool())); err != nil {
				t.Error(err)
			}
			s.end(t)
			testkit.WantText(t, errors.New(s.told()), "cache hub.example/c:1 is not read: "+said.why)
			if !strings.HasSuffix(s.told(), "; building again without it") || len(e.Read()) != 1 || len(e.Options()) != 2 {
				t.Errorf("told %q, read %q, %d builds", s.told(), e.Read(), len(e.Options()))
			}
		})
	}
}

// What no cache had a part in is no cache's fault, and what fails without one too
// is the image's own.
func TestLayerOfNoCache(t *testing.T) {
	t.Parallel()
	for _, imports := range [][]client.CacheOptionsEntry{nil, cachesOf("hub.example/c:1")} {
		e := &solvetest.Engine{Fail: map[string][]error{compile: times(9, errors.New("failed to solve: "+lost))}}
		s := on(t, e, solve.Settings{Imports: imports})
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		testkit.WantText(t, err, "not found")
		if problem.ExitCode(err) != 1 || len(e.Read()) != len(imports) {
			t.Errorf("exit code %d, read %q: %v", problem.ExitCode(err), e.Read(), err)
		}
	}
}

// An export that wants a lost layer, and the writing of another cache.
func TestExportLacksALayer(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{}
	tries := 0
	e.Export = func(client.ExportEntry) (map[string]string, error) {
		if tries++; tries == 1 {
			return nil, errors.New(lost)
		}
		return nil, nil
	}
	s := on(t, e, solve.Settings{Imports: cachesOf("hub.example/c:1")})
	work := job(tool())
	work.Exports = []client.ExportEntry{{Type: "image"}}
	if _, err := s.One(t.Context(), work); err != nil || tries != 2 || len(e.Read()) != 1 {
		t.Errorf("%v, %d tries, read %q", err, tries, e.Read())
	}
	s.end(t)
}
