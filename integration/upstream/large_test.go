package upstream_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/upstream"
)

// What is served is what was summed up, has the size that was asked for, and is
// another thing with another seed.
func TestLargeFreeSurfer(t *testing.T) {
	s := upstream.New()
	defer s.Close()
	const bytes = 40 << 20
	address, sum, size, err := s.PutLarge("/a.tar.gz", upstream.LargeFreeSurfer("stamp", "one", bytes))
	if err != nil {
		t.Fatal(err)
	}
	_, other, _, err := s.PutLarge("/b.tar.gz", upstream.LargeFreeSurfer("stamp", "two", bytes))
	if err != nil || other == sum {
		t.Errorf("another seed has sum %s too (%v)", other, err)
	}
	if size < bytes/3 || size > bytes*2/3 {
		t.Errorf("%d bytes became %d: about half of them compress", bytes, size)
	}
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	hash := sha256.New()
	seen := folders(t, io.TeeReader(answer.Body, hash))
	if _, err := io.Copy(hash, answer.Body); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum || answer.ContentLength != size {
		t.Errorf("served %s of %d bytes, said %s of %d", got, answer.ContentLength, sum, size)
	}
	if whole := seen["all"]; whole < bytes*99/100 || whole > bytes*101/100 || seen["trctrain"] == 0 || seen["bin"] < seen["lib"] {
		t.Errorf("the tree is %v", seen)
	}
}

// folders is how many bytes the folders of FreeSurfer have.
func folders(t *testing.T, r io.Reader) map[string]int64 {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	out, archive := map[string]int64{}, tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, z)
		}
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			return out
		}
		parts := strings.SplitN(h.Name, "/", 3)
		out[parts[1]] += h.Size
		out["all"] += h.Size
	}
}
