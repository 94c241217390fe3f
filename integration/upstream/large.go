package upstream

import (
	"archive/tar"
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Large is content that is made while it is sent: the same bytes each time, and
// never all of them in memory.
type Large func(w io.Writer) error

// PutLarge serves content of any size at path and returns its address, sha256
// and size. It makes the content once to know them.
func (s *Site) PutLarge(path string, content Large) (address, sum string, size int64, err error) {
	hash, n := sha256.New(), new(counter)
	if err := content(io.MultiWriter(hash, n)); err != nil {
		return "", "", 0, fmt.Errorf("make %s: %w", path, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = &file{large: content, size: int64(*n)}
	return s.server.URL + path, hex.EncodeToString(hash.Sum(nil)), int64(*n), nil
}

type counter int64

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// filling is bytes by a name: blocks that do not compress and blocks that do, as
// programs and images have them.
type filling struct {
	random *rand.ChaCha8
	text   []byte
	left   int64
	at     int64
}

const fillingBlock = 64 << 10

func newFilling(name string, size int64) *filling {
	return &filling{random: rand.NewChaCha8(sha256.Sum256([]byte(name))), left: size,
		text: []byte(strings.Repeat(name+" ", fillingBlock/(len(name)+1)+1))[:fillingBlock]}
}

// Read fills p up to the end of a block.
func (f *filling) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	block, offset := f.at/fillingBlock, f.at%fillingBlock
	n := int(min(int64(len(p)), f.left, fillingBlock-offset))
	if block%2 == 0 {
		_, _ = f.random.Read(p[:n]) // never fails
	} else {
		copy(p, f.text[offset:offset+int64(n)])
	}
	f.at, f.left = f.at+int64(n), f.left-int64(n)
	return n, nil
}

// largeFile is as much as a file of the fillings has.
const largeFile = 8 << 20

// share is how a tree's bytes are spread over its folders.
type share map[string]int64

// freesurferShares is what 6.0.0 has in a folder, in 100 MB: bin, average, lib
// and fsaverage as they are in the service's pruned image, the rest in folders
// that it leaves out.
var freesurferShares = share{"bin": 25, "average": 16, "lib": 13, "subjects/fsaverage": 5,
	"average/mult-comp-cor": 13, "trctrain": 20, "subjects/bert": 14}

// antsShares is half programs, half static libraries.
var antsShares = share{"bin": 1, "lib": 1}

// fillings are the names and sizes of files that have that many bytes in all.
func (s share) fillings(bytes int64, suffix func(folder string) string) map[string]int64 {
	var whole int64
	for _, part := range s {
		whole += part
	}
	out := map[string]int64{}
	for folder, part := range s {
		left := bytes / whole * part
		for i := 0; left > 0; i++ {
			n := min(left, largeFile)
			out[fmt.Sprintf("%s/filling%05d%s", folder, i, suffix(folder))] = n
			left -= n
		}
	}
	return out
}

// LargeFreeSurfer is FreeSurfer's release with that many bytes more, as tar.gz.
// seed makes it another one.
func LargeFreeSurfer(stamp, seed string, bytes int64) Large {
	files := FreeSurfer(stamp)
	fillings := map[string]int64{}
	for name, n := range freesurferShares.fillings(bytes, func(string) string { return ".bin" }) {
		fillings["freesurfer/"+name] = n
	}
	return func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if err := writeTar(z, files, fillings, seed); err != nil {
			return err
		}
		return z.Close()
	}
}

// LargeZip is a release zip with the files and that many bytes more, half of
// them static libraries, all below the folder top.
func LargeZip(top, seed string, files map[string]string, bytes int64) Large {
	fillings := antsShares.fillings(bytes, func(folder string) string { return map[string]string{"lib": ".a"}[folder] })
	return func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := zipped(z, top+"/"+name, strings.NewReader(files[name])); err != nil {
				return err
			}
		}
		for _, name := range slices.Sorted(maps.Keys(fillings)) {
			if err := zipped(z, top+"/"+name, newFilling(seed+name, fillings[name])); err != nil {
				return err
			}
		}
		return z.Close()
	}
}

func zipped(z *zip.Writer, name string, content io.Reader) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return err
}

// LargeConda serves a package in the channel at path with that many bytes more,
// and returns its line of a lock.
func (s *Site) LargeConda(channel, seed string, p CondaPackage, bytes int64) (string, error) {
	p.Bzip2 = false
	fillings := share{"share/" + p.Name: 1}.fillings(bytes, func(string) string { return ".bin" })
	var more []map[string]any
	for _, name := range slices.Sorted(maps.Keys(fillings)) {
		hash := sha256.New()
		if _, err := io.Copy(hash, newFilling(seed+name, fillings[name])); err != nil {
			return "", err
		}
		more = append(more, map[string]any{"_path": name, "path_type": "hardlink",
			"sha256": hex.EncodeToString(hash.Sum(nil)), "size_in_bytes": fillings[name]})
	}
	info, err := p.info(p.files(), more...)
	if err != nil {
		return "", err
	}
	content, err := p.large(info, fillings, seed)
	if err != nil {
		return "", err
	}
	address, sum, size, err := s.PutLarge(path.Join(channel, p.Subdir, p.File()), content)
	return fmt.Sprintf("%d\t%s\t%s\t%s\n", size, sum, address, p.Licence), err
}

// large is the package's archive. Its packed files are made once to know their
// size and checksum, which stand before them.
func (p CondaPackage) large(info map[string]string, fillings map[string]int64, seed string) (Large, error) {
	described, err := zstandard(info)
	if err != nil {
		return nil, err
	}
	packed := func(w io.Writer) error {
		e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return err
		}
		if err := writeTar(e, p.files(), fillings, seed); err != nil {
			return err
		}
		return e.Close()
	}
	sum, n := crc32.NewIEEE(), new(counter)
	if err := packed(io.MultiWriter(sum, n)); err != nil {
		return nil, err
	}
	return func(w io.Writer) error {
		z := zip.NewWriter(w)
		if err := stored(z, "metadata.json", []byte(`{"conda_pkg_format_version": 2}`)); err != nil {
			return err
		}
		f, err := z.CreateRaw(&zip.FileHeader{Name: "pkg-" + p.stem() + ".tar.zst", Method: zip.Store, CRC32: sum.Sum32(),
			CompressedSize64: uint64(*n), UncompressedSize64: uint64(*n)})
		if err != nil {
			return err
		}
		if err := packed(f); err != nil {
			return err
		}
		if err := stored(z, "info-"+p.stem()+".tar.zst", described); err != nil {
			return err
		}
		return z.Close()
	}, nil
}

// writeTar writes the files, then the fillings. All can be run.
func writeTar(to io.Writer, files map[string]string, fillings map[string]int64, seed string) error {
	w := tar.NewWriter(to)
	add := func(name string, size int64, content io.Reader) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: size, Typeflag: tar.TypeReg, Uid: 1234, Gid: 1234}); err != nil {
			return err
		}
		_, err := io.Copy(w, content)
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := add(name, int64(len(files[name])), strings.NewReader(files[name])); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fillings)) {
		if err := add(name, fillings[name], newFilling(seed+name, fillings[name])); err != nil {
			return err
		}
	}
	return w.Close()
}
