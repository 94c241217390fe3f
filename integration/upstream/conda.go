package upstream

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	placehold      = "_placehold"
	fivePlaceholds = placehold + placehold + placehold + placehold + placehold
)

// CondaPrefix is the prefix that the files of a conda package were made for,
// long as those of conda-build. Installing a package puts its own in place.
const CondaPrefix = "/builds/package_1700000000000/_h_env" + fivePlaceholds + fivePlaceholds + fivePlaceholds + fivePlaceholds

// CondaPackage is a small conda package of a real form.
type CondaPackage struct {
	Name, Version, Build string
	Subdir               string // "linux-64" or "noarch"
	NoArch               string // "generic" or "python" for packages in noarch
	Licence              string
	Depends              []string
	Files                map[string]string // by path; CondaPrefix in one is replaced when it is installed
	EntryPoints          []string          // of a Python package: "command = module:function"
	PostLink             string            // a shell script run after all packages are linked
	Bzip2                bool              // the old format, .tar.bz2
}

// File is the name of the package's archive.
func (p CondaPackage) File() string {
	if p.Bzip2 {
		return p.stem() + ".tar.bz2"
	}
	return p.stem() + ".conda"
}

func (p CondaPackage) stem() string { return p.Name + "-" + p.Version + "-" + p.Build }

// Conda serves a package in the channel at path and returns its line of a lock:
// size, sha256, address and licence.
func (s *Site) Conda(channel string, p CondaPackage) (string, error) {
	archive, err := p.archive()
	if err != nil {
		return "", fmt.Errorf("make %s: %w", p.File(), err)
	}
	address, sum := s.Put(path.Join(channel, p.Subdir, p.File()), archive)
	return fmt.Sprintf("%d\t%s\t%s\t%s\n", len(archive), sum, address, p.Licence), nil
}

func (p CondaPackage) archive() ([]byte, error) {
	files := p.files()
	info, err := p.info(files)
	if err != nil {
		return nil, err
	}
	if p.Bzip2 {
		all := maps.Clone(files)
		maps.Copy(all, info)
		data, err := tarred(all)
		if err != nil {
			return nil, err
		}
		return bzip2(data)
	}
	return p.zipped(info, files)
}

// files is the package's files, its post-link script among them.
func (p CondaPackage) files() map[string]string {
	files := map[string]string{}
	maps.Copy(files, p.Files)
	if p.PostLink != "" {
		files["bin/."+p.Name+"-post-link.sh"] = "#!/bin/bash\nset -e\n" + p.PostLink
	}
	return files
}

// info is the files that describe the package: files, and more as paths has them.
func (p CondaPackage) info(files map[string]string, more ...map[string]any) (map[string]string, error) {
	index := map[string]any{"name": p.Name, "version": p.Version, "build": p.Build, "build_number": 0,
		"subdir": p.Subdir, "depends": append([]string{}, p.Depends...), "license": p.Licence, "timestamp": 1700000000000}
	if p.NoArch != "" {
		index["noarch"] = p.NoArch
	} else {
		index["arch"], index["platform"] = "x86_64", "linux"
	}
	documents := map[string]any{"info/index.json": index, "info/paths.json": map[string]any{"paths_version": 1, "paths": append(paths(files), more...)}}
	if p.NoArch == "python" {
		documents["info/link.json"] = map[string]any{"package_metadata_version": 1,
			"noarch": map[string]any{"type": "python", "entry_points": append([]string{}, p.EntryPoints...)}}
	}
	info := map[string]string{"info/files": strings.Join(slices.Sorted(maps.Keys(files)), "\n") + "\n"}
	for name, d := range documents {
		data, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		info[name] = string(data)
	}
	return info, nil
}

// paths describes the files as info/paths.json does. A file with a zero byte is
// binary: its prefix is replaced at the same length.
func paths(files map[string]string) []map[string]any {
	var out []map[string]any
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		sum := sha256.Sum256([]byte(content))
		entry := map[string]any{"_path": name, "path_type": "hardlink", "sha256": hex.EncodeToString(sum[:]), "size_in_bytes": len(content)}
		if strings.Contains(content, CondaPrefix) {
			entry["prefix_placeholder"], entry["file_mode"] = CondaPrefix, "text"
			if strings.Contains(content, "\x00") {
				entry["file_mode"] = "binary"
			}
		}
		out = append(out, entry)
	}
	return out
}

// zipped is the format .conda: a zip of two tars, so that what describes a
// package can be read without the rest.
func (p CondaPackage) zipped(info, files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := stored(w, "metadata.json", []byte(`{"conda_pkg_format_version": 2}`)); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name  string
		files map[string]string
	}{{"pkg-", files}, {"info-", info}} {
		data, err := zstandard(part.files)
		if err != nil {
			return nil, err
		}
		if err := stored(w, part.name+p.stem()+".tar.zst", data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func zstandard(files map[string]string) ([]byte, error) {
	data, err := tarred(files)
	if err != nil {
		return nil, err
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, err
	}
	return e.EncodeAll(data, nil), e.Close()
}

// stored adds a file with its size in front of it, as readers of a stream want it.
func stored(w *zip.Writer, name string, data []byte) error {
	n := uint64(len(data))
	f, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data), CompressedSize64: n, UncompressedSize64: n})
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return err
}

// tarred is the files as a tar. They have the owner and the time of the machine
// that made the package; those in bin and sbin can be run.
func tarred(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: name, Mode: 0o664, Size: int64(len(files[name])), Typeflag: tar.TypeReg,
			Uid: 1001, Gid: 1001, ModTime: time.Unix(1700000000, 0)}
		if dir := path.Base(path.Dir(name)); dir == "bin" || dir == "sbin" {
			h.Mode = 0o775
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// bzip2 compresses with the program: Go reads the format and does not write it.
func bzip2(data []byte) ([]byte, error) {
	cmd := exec.Command("bzip2", "-c")
	cmd.Stdin = bytes.NewReader(data)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("bzip2: %w: %s", err, problem.String())
	}
	return out.Bytes(), nil
}
