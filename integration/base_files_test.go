package integration

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// entry is a path of a file system without its times.
type entry struct {
	Type     string
	Mode     int64
	UID, GID int
	Size     int64
	Sum      string // of the content
	Link     string // of a symlink
	Xattrs   string
	Same     string // all names of a file with several
}

// files is a file system by clean absolute path.
type files map[string]*entry

// filesOf is the file system that an image's layers make.
func filesOf(t *testing.T, img v1.Image) files {
	t.Helper()
	all := files{}
	for _, l := range must(img.Layers())(t) {
		r := must(l.Uncompressed())(t)
		all.add(t, r)
		noError(t, r.Close())
	}
	return all.named()
}

// filesIn is the file system in a tar file.
func filesIn(t *testing.T, r io.Reader) files {
	t.Helper()
	all := files{}
	all.add(t, r)
	return all.named()
}

func (f files) add(t *testing.T, layer io.Reader) {
	t.Helper()
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		noError(t, err)
		f.put(t, h, r)
	}
}

// put adds one entry; a name that starts with .wh. takes others away (OCI image
// specification, layer.md).
func (f files) put(t *testing.T, h *tar.Header, content io.Reader) {
	t.Helper()
	name := path.Clean("/" + h.Name)
	dir, last := path.Split(name)
	if hidden, ok := strings.CutPrefix(last, ".wh."); ok {
		f.remove(dir, hidden)
		return
	}
	if h.Typeflag == tar.TypeLink {
		f[name] = f[path.Clean("/"+h.Linkname)]
		return
	}
	if old := f[name]; old != nil && old.Type == "5" && h.Typeflag != tar.TypeDir {
		f.remove(dir, last)
	}
	sum := sha256.New()
	size := must(io.Copy(sum, content))(t)
	f[name] = &entry{Type: string(h.Typeflag), Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Size: size,
		Sum: hex.EncodeToString(sum.Sum(nil)), Link: h.Linkname, Xattrs: xattrs(h)}
}

func (f files) remove(dir, name string) {
	gone := path.Join(dir, name)
	maps.DeleteFunc(f, func(p string, _ *entry) bool {
		if name == ".wh..opq" {
			return strings.HasPrefix(p, dir)
		}
		return p == gone || strings.HasPrefix(p, gone+"/")
	})
}

func xattrs(h *tar.Header) string {
	var out []string
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
			out = append(out, fmt.Sprintf("%s=%x", name, v))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// named tells the files with several names all of them.
func (f files) named() files {
	names := map[*entry][]string{}
	for _, p := range sortedKeys(f) {
		names[f[p]] = append(names[f[p]], p)
	}
	for e, all := range names {
		if len(all) > 1 {
			e.Same = strings.Join(all, " ")
		}
	}
	return f
}

// keeps fails the test for each path of the base that is not the same in f, but
// for those that changed allows.
func (f files) keeps(t *testing.T, base files, changed func(path string) bool) {
	t.Helper()
	shown := 0
	for _, p := range sortedKeys(base) {
		have := f[p]
		if p == "/" || changed(p) || have != nil && *have == *base[p] {
			continue
		}
		if shown++; shown > 20 {
			t.Fatal("and more")
		}
		t.Errorf("%s\n  base  %+v\n  image %+v", p, *base[p], have)
	}
}

// nothing changes without packages.
func nothing(string) bool { return false }

// byPackages is what installing packages changes in a base, and nothing else:
// the package database, caches and lists that packages keep up to date, and which
// of several programs answers to a common name (/etc/alternatives).
func byPackages(p string) bool {
	for _, prefix := range []string{"/var/lib/dpkg", "/var/cache", "/var/lib/apt", "/var/log", "/etc/ld.so.cache", "/etc/alternatives"} {
		if p == prefix || strings.HasPrefix(p, prefix+"/") {
			return true
		}
	}
	return false
}

// onlyImage is the one image of an OCI layout.
func onlyImage(t *testing.T, dir string) v1.Image {
	t.Helper()
	index := must(layout.ImageIndexFromPath(dir))(t)
	m := must(index.IndexManifest())(t)
	if len(m.Manifests) != 1 {
		t.Fatalf("%s has %d images", dir, len(m.Manifests))
	}
	return must(index.Image(m.Manifests[0].Digest))(t)
}
