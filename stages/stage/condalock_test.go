package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func lockOf(content string) (CondaLock, error) {
	return ReadCondaLock(File{Path: "a.tsv", Content: []byte(content)})
}

func lockLine(address string) string { return "7\t" + testkit.SHA256 + "\t" + address }

func TestCondaLock(t *testing.T) {
	t.Parallel()
	const at = "https://conda.example/c/"
	tests := []struct {
		name, content string
		want          CondaPackage
	}{
		{"licence", lockLine(at+"linux-64/zlib-1.3.1-h1_2.conda") + "\tGPL-3.0-only WITH GCC-exception-3.1\n",
			CondaPackage{Name: "zlib", Version: "1.3.1", Build: "h1_2", Licence: "GPL-3.0-only WITH GCC-exception-3.1", Line: 1}},
		{"no licence", "# comment\n\n" + lockLine(at+"noarch/fsl-eddy_qc-v1.4.2-py_0.tar.bz2"),
			CondaPackage{Name: "fsl-eddy_qc", Version: "v1.4.2", Build: "py_0", Line: 3}},
		{"empty licence", lockLine(at+"linux-64/_openmp_mutex-4.5-7_kmp_llvm.conda") + "\t\r\n",
			CondaPackage{Name: "_openmp_mutex", Version: "4.5", Build: "7_kmp_llvm", Line: 1}},
		{"many dashes", lockLine(at + "linux-64/ld_impl_linux-64-2.45.1-default_hbd61a6d_101.conda"),
			CondaPackage{Name: "ld_impl_linux-64", Version: "2.45.1", Build: "default_hbd61a6d_101", Line: 1}},
		{"epoch", lockLine(at + "noarch/x-1!2.0+a-0.conda"), CondaPackage{Name: "x", Version: "1!2.0+a", Build: "0", Line: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := lockOf(tt.content)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d packages, %v", len(got), err)
			}
			tt.want.Size, tt.want.SHA256, tt.want.Address = 7, testkit.SHA256, got[0].Address
			if got[0] != tt.want {
				t.Errorf("%+v, want %+v", got[0], tt.want)
			}
		})
	}
}

func TestCondaLockErrors(t *testing.T) {
	t.Parallel()
	const zlib = "https://conda.example/c/linux-64/zlib-1.3-h1_0.conda"
	tests := []struct {
		name, content string
		want          []string
	}{
		{"empty", "# nothing\n", []string{"a.tsv lists no packages"}},
		{"Latin-1", "# na\xefve\n", []string{"a.tsv:1:5: the byte 0xef is not UTF-8; in Latin-1 it is 'ï'"}},
		{"too large", strings.Repeat("#\n", 2<<20), []string{"a.tsv is larger than 2 MiB"}},
		{"blanks for tabs", "7 " + testkit.SHA256 + " " + zlib, []string{"a.tsv:1: the line has 1 fields, not 3 or 4", "separated by tabs"}},
		{"size", "\nx\t" + testkit.SHA256 + "\t" + zlib, []string{`a.tsv:2: "x" is not a size`}},
		{"checksum", "7\tabc\t" + zlib, []string{`"abc" is not a sha256`}},
		{"md5 in the address", lockLine(zlib + "#0123"), []string{"is not the address of a package"}},
		{"file", lockLine("file:///c/linux-64/zlib-1.3-h1_0.conda"), []string{"is not the address"}},
		{"shell", lockLine("https://conda.example/c/linux-64/z$(x)-1.3-h1_0.conda"), []string{"is not the address"}},
		{"platform", lockLine("https://conda.example/c/osx-64/zlib-1.3-h1_0.conda"), []string{"is a package for osx-64", "hint: "}},
		{"wheel", lockLine("https://conda.example/c/noarch/zlib-1.3-h1_0.whl"), []string{"is not a conda package"}},
		{"no build", lockLine("https://conda.example/c/noarch/zlib-1.3.conda"), []string{"is not a conda package"}},
		{"twice", lockLine(zlib) + "\n" + lockLine("https://conda.example/c/linux-64/zlib-1.4-h1_0.conda"), []string{"a.tsv:2: zlib is already listed in line 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := lockOf(tt.content)
			testkit.WantText(t, err, tt.want...)
		})
	}
}

// TestLocksOfThisRepository: what the lists say of themselves is true.
func TestLocksOfThisRepository(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../locks/*.conda.tsv")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d locks, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lock, err := ReadCondaLock(File{Path: file, Content: content})
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		for _, p := range lock {
			size += p.Size
		}
		if says := fmt.Sprintf("%d packages, %d bytes", len(lock), size); !strings.Contains(string(content), says) {
			t.Errorf("%s has %d packages of %d bytes, and says otherwise", file, len(lock), size)
		}
	}
}

func FuzzCondaLock(f *testing.F) {
	for _, seed := range []string{"", "#\n", lockLine("https://conda.example/c/linux-64/a-1-0.conda"), "7\t\t\t", "1\t" + testkit.SHA256 + "\thttps://h/noarch/a-b-1-0.tar.bz2\tMIT\r\n",
		lockLine("http://[::1]/noarch/--.conda"), lockLine("https://h/linux-64/a-1-0.conda/"), lockLine("https://h/../noarch/..-1-0.conda")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		lock, err := lockOf(content)
		if err != nil {
			return
		}
		file := File{Path: "a.tsv"}
		for i, in := range lock.Inputs(file) {
			p := lock[i]
			if p.Name == "" || p.Version == "" || p.Build == "" || p.Size <= 0 || len(in.Pin) != len("sha256:")+64 {
				t.Errorf("%+v", p)
			}
			stem := p.Name + "-" + p.Version + "-" + p.Build
			if in.File() != stem+".conda" && in.File() != stem+".tar.bz2" {
				t.Errorf("%q is fetched as %q", stem, in.File())
			}
			if strings.ContainsAny(in.File(), "/ '\"$`\\\n") {
				t.Errorf("file name %q", in.File())
			}
		}
	})
}
