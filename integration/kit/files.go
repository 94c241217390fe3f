package kit

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
)

// File is a path of a file system without its times.
type File struct {
	Type     string
	Mode     int64
	UID, GID int
	Size     int64
	Sum      string // of the content
	Link     string // of a symlink
	Xattrs   string
	Same     string // all names of a file with several
}

// Files is a file system by clean absolute path.
type Files map[string]*File

// FilesOf is the file system that an image's layers make.
func FilesOf(t testing.TB, img v1.Image) Files {
	t.Helper()
	all := Files{}
	for _, l := range Must(img.Layers())(t) {
		r := Must(l.Uncompressed())(t)
		all.add(t, r)
		NoError(t, r.Close())
	}
	return all.named()
}

// FilesIn is the file system in a tar file.
func FilesIn(t testing.TB, r io.Reader) Files {
	t.Helper()
	all := Files{}
	all.add(t, r)
	return all.named()
}

func (f Files) add(t testing.TB, layer io.Reader) {
	t.Helper()
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		NoError(t, err)
		f.put(t, h, r)
	}
}

// put adds one entry; a name that starts with .wh. takes others away (OCI image
// specification, layer.md).
func (f Files) put(t testing.TB, h *tar.Header, content io.Reader) {
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
	size := Must(io.Copy(sum, content))(t)
	f[name] = &File{Type: string(h.Typeflag), Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Size: size,
		Sum: hex.EncodeToString(sum.Sum(nil)), Link: h.Linkname, Xattrs: xattrs(h)}
}

func (f Files) remove(dir, name string) {
	gone := path.Join(dir, name)
	maps.DeleteFunc(f, func(p string, _ *File) bool {
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
func (f Files) named() Files {
	names := map[*File][]string{}
	for _, p := range SortedKeys(f) {
		names[f[p]] = append(names[f[p]], p)
	}
	for e, all := range names {
		if len(all) > 1 {
			e.Same = strings.Join(all, " ")
		}
	}
	return f
}

// Keeps fails the test for each path of the base that is not the same in f, but
// for those that changed allows.
func (f Files) Keeps(t testing.TB, base Files, changed func(path string) bool) {
	t.Helper()
	shown := 0
	for _, p := range SortedKeys(base) {
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

// ByPackages is what installing packages changes in a base, and nothing else:
// the package database, caches and lists that packages keep up to date, and which
// of several programs answers to a common name (/etc/alternatives).
func ByPackages(p string) bool {
	for _, prefix := range []string{"/var/lib/dpkg", "/var/cache", "/var/lib/apt", "/var/log", "/etc/ld.so.cache", "/etc/alternatives"} {
		if p == prefix || strings.HasPrefix(p, prefix+"/") {
			return true
		}
	}
	return false
}
