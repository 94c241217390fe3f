package faults

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/medbuild/medbuild/integration/kit"
)

// project is one whose image has a file with the text.
func (s *series) project(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "one.sh"), "#!/bin/sh\necho "+text+"\n")
	kit.WriteFile(t, filepath.Join(dir, text+".txt"), strings.Repeat(text, 1000)) // in the old image alone, or in the new one
	kit.WriteFile(t, filepath.Join(dir, "components.toml"), fmt.Sprintf(`[image]
name = "example.org/test"
version = "1"
[bases.small]
tar = %q
[components.one]
stage = "files"
version = "1"
prefix = "/opt/one"
path = ["bin"]
smoke = ["one | grep -x %s"]
files = [ { from = "one.sh", to = "bin/one", mode = "0755" }, { from = "%[2]s.txt", to = "share/%[2]s.txt" } ]
[targets.all]
base = "small"
components = ["one"]
`, kit.Must(filepath.Rel(dir, s.base))(t), text))
	return dir
}

func (s *series) reference(dir string) string {
	return fmt.Sprintf("%s/test:%x", s.hub, sha256.Sum256([]byte(dir)))[:len(s.hub)+20]
}

// lay puts the old project's results where the new ones go.
func (s *series) lay(t *testing.T, output, dir string) {
	t.Helper()
	if output == "registry" {
		kit.NoError(t, crane.Copy(s.reference(s.old), s.reference(dir), crane.Insecure))
		return
	}
	for _, name := range []string{"out", "out2", "meta.json", "iid"} {
		if _, err := os.Stat(filepath.Join(s.old, output, name)); err == nil {
			kit.NoError(t, exec.Command("cp", "-a", filepath.Join(s.old, output, name), filepath.Join(dir, name)).Run())
		}
	}
}

// keep moves the old project's results out of the way of the next kind's.
func (s *series) keep(t *testing.T, output string) {
	t.Helper()
	kit.NoError(t, os.MkdirAll(filepath.Join(s.old, output), 0o755))
	for _, name := range []string{"out", "out2", "meta.json", "iid"} {
		err := os.Rename(filepath.Join(s.old, name), filepath.Join(s.old, output, name))
		if !errors.Is(err, fs.ErrNotExist) {
			kit.NoError(t, err)
		}
	}
}

// result is all that there is in the project's folder, with checksums, and the
// digest that the registry has.
func (s *series) result(t *testing.T, dir, output string) string {
	t.Helper()
	var b strings.Builder
	if output == "registry" {
		b.WriteString(kit.Must(crane.Digest(s.reference(dir), crane.Insecure))(t) + "\n")
	}
	kit.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name := kit.Must(filepath.Rel(dir, path))(t)
		data, err := os.ReadFile(path)
		if name == "components.toml" || name == "meta.json" {
			data = nil // has the places of this run
		}
		fmt.Fprintf(&b, "%s %d %.8x\n", name, len(data), sha256.Sum256(data))
		return err
	}))
	return b.String()
}

// smallFiles are what steps that only write files need of a base.
var smallFiles = regexp.MustCompile(`^(usr|etc|tmp|root|var|proc|sys|dev|run|opt|bin|sbin|lib|lib64|var/tmp` +
	`|usr/(bin|sbin|lib|lib64|lib/os-release|lib/x86_64-linux-gnu)|etc/(os-release|passwd|group|ld\.so\..*)` +
	`|usr/bin/(\[|awk|basename|cat|chgrp|chmod|chown|cmp|comm|cp|cut|dash|date|dirname|echo|env|expr|false|find|grep|head|id|install|ln|ls|mawk|mkdir|mktemp|mv` +
	`|nproc|printf|readlink|realpath|rm|sed|sh|sha256sum|sleep|sort|stat|tail|tar|tee|test|timeout|touch|tr|true|uname|uniq|wc|xargs)` +
	`|usr/lib64/ld-linux.*|usr/lib/x86_64-linux-gnu/(ld-linux|libc\.so|libm\.so|libselinux|libpcre2-8|libacl|libattr|libcap\.so|libcrypto|libgmp|libz\.so|libzstd).*)$`)

// smallBase is a base of a few megabytes, made of the Debian one.
func smallBase(t *testing.T) string {
	t.Helper()
	in := kit.Must(os.Open(kit.BaseTar(t)))(t)
	defer in.Close()
	path := filepath.Join(t.TempDir(), "small.tar")
	t.Setenv("MEDBUILD_ALLOW_FILES", filepath.Dir(path)+string(filepath.ListSeparator)+os.Getenv("MEDBUILD_ALLOW_FILES"))
	out := kit.Must(os.Create(path))(t)
	w := tar.NewWriter(out)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		kit.NoError(t, err)
		if smallFiles.MatchString(strings.Trim(strings.TrimPrefix(h.Name, "./"), "/")) {
			kit.NoError(t, w.WriteHeader(h))
			kit.Must(io.Copy(w, r))(t)
		}
	}
	kit.NoError(t, errors.Join(w.Close(), out.Close()))
	return path
}
