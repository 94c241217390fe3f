package stage

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

// innocent is what looks similar and must get in.
func innocent(t testing.TB) []testkit.Disguise {
	return []testkit.Disguise{
		{Name: "AUTHORS", Content: "Someone <someone@example.org>, 2004\n* Somebody Else <else@example.org>\n* Another\n"},
		{Name: "CHANGES", Content: "someone@example.org\n2004\n* Mended\n* Connectivity\n"},
		{Name: "notes.md", Content: "Write to someone@example.org, 2004. *Introduction* and *Connectivity*.\n"},
		{Name: "fs-license", Content: "cat license.txt # someone@example.org\n"},
		{Name: "code.c", Content: "/* someone@example.org\n * 2004\n */\nint main() { return *argument; }\n"},
		{Name: "license.txt", Content: "Copyright 2004 someone@example.org\nAll rights reserved\n"},
		{Name: "page.1.gz", Content: testkit.Gzipped(t, "someone@example.org\n* Mended\n")},
		{Name: "empty", Content: ""}, {Name: "broken.gz", Content: "\x1f\x8b\x08broken"},
	}
}

func planted(t *testing.T, d testkit.Disguise) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, d.Name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(d.Content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// free runs the check as the step that tests a component does.
func free(dir string) (string, error) {
	script := "set -eu\n" + Prepare(dir, dir+"/outcomes", dir+"/said") + LicensedScript + TestScript + Stage{Common: Common{Prefix: dir}, Places: []string{dir}, Layer: new(llb.State)}.Calls()
	out, err := exec.Command("/bin/sh", "-c", script).CombinedOutput()
	return string(out), err
}

// TestLicenceInDisguise: whoever gets an image gets a licence that lies in it,
// under whatever name.
func TestLicenceInDisguise(t *testing.T) {
	t.Parallel()
	all := testkit.Disguises(t)
	if len(all) < 20 {
		t.Fatalf("only %d disguises", len(all))
	}
	for _, d := range all {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			out, err := free(planted(t, d))
			if err == nil || !strings.Contains(out, d.Name) || !strings.Contains(out, "FreeSurfer licence") {
				t.Errorf("it gets in through a step: %v, %q", err, out)
			}
			if !HoldsLicence([]byte(d.Content)) {
				t.Error("it gets in among the user's own files")
			}
		})
	}
}

func TestNoLicence(t *testing.T) {
	t.Parallel()
	for _, d := range innocent(t) {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			if out, err := free(planted(t, d)); err != nil {
				t.Errorf("it is refused: %s", out)
			}
			if HoldsLicence([]byte(d.Content)) {
				t.Error("it is refused among the user's own files")
			}
		})
	}
}

// TestLicenceThatIsNotSeen holds SECURITY.md to what the guard cannot see: if one
// of these is found one day, the page is to say so.
func TestLicenceThatIsNotSeen(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for said, content := range map[string]string{
		"base64":        base64.StdEncoding.EncodeToString([]byte(testkit.Licence)),
		"UTF-16":        strings.ReplaceAll(testkit.Licence, "", "\x00"),
		"64 kB or more": testkit.Licence + strings.Repeat("x", 64<<10),
	} {
		if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), said) {
			t.Errorf("SECURITY.md does not say %q", said)
		}
		if out, err := free(planted(t, testkit.Disguise{Name: "file", Content: content})); err != nil {
			t.Errorf("%s is seen: %s", said, out)
		}
	}
}

// Many files cost little: a component can have a hundred thousand.
func BenchmarkLicensed(b *testing.B) {
	dir := b.TempDir()
	for i := range 2000 {
		text := fmt.Sprintf("page %d of someone@example.org\n", i) + strings.Repeat("some text of a page\n", 200)
		if err := os.WriteFile(fmt.Sprintf("%s/%d.txt", dir, i), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(fmt.Sprintf("%s/%d.gz", dir, i), []byte(testkit.Gzipped(b, text)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if out, err := free(dir); err != nil {
			b.Fatal(out)
		}
	}
}
