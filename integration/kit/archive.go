package kit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"testing"
)

// Zip is an archive with the files, all of them executable.
func Zip(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range SortedKeys(files) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f := Must(w.CreateHeader(h))(t)
		Must(f.Write([]byte(files[name])))(t)
	}
	NoError(t, w.Close())
	return b.Bytes()
}

// Tar is a gzip-compressed tar with the files, all of them executable.
func Tar(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range SortedKeys(files) {
		NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		Must(w.Write([]byte(files[name])))(t)
	}
	NoError(t, w.Close())
	NoError(t, z.Close())
	return b.Bytes()
}
