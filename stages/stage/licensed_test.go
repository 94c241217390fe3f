package stage

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
)

// licenceText has the form of a licence, and is none.
const licenceText = "someone@example.org\n12345\n *C1a2B3c4D5e6\n FS1a2B3c4D5e6\n"

// disguise is a licence as somebody could have it among other files.
type disguise struct {
	name, content string
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// disguises are names, line ends, what stands around the lines, and
// how the file is packed.
func disguises(t testing.TB) []disguise {
	lines := strings.Split(strings.TrimSuffix(licenceText, "\n"), "\n")
	escaped := strings.Join(lines, `\n`)
	return []disguise{
		{"license.txt", licenceText},
		{".license", licenceText},
		{"LICENCE.TXT", licenceText},
		{"notes.dat", licenceText},
		{"a file\twith 'signs'", licenceText},
		{`back\nslash.gz`, gzipped(t, licenceText)},
		{"deep/down/x", licenceText},
		{"dos.txt", strings.ReplaceAll(licenceText, "\n", "\r\n")},
		{"mac.txt", strings.ReplaceAll(licenceText, "\n", "\r")},
		{"bom.txt", "\xef\xbb\xbf" + licenceText},
		{"blank-lines.txt", "\n\n" + strings.ReplaceAll(licenceText, "\n", "\n\n")},
		{"indented.txt", "  " + strings.ReplaceAll(licenceText, "\n", "\n\t ")},
		{"trailing.txt", strings.ReplaceAll(licenceText, "\n", "  \t\n")},
		{"no-end.txt", strings.TrimSuffix(licenceText, "\n")},
		{"three-lines.txt", strings.Join(lines[:3], "\n")},
		{"headed.txt", "# the licence of our group\n" + licenceText},
		{"commented.sh", "# " + strings.Join(lines, "\n# ")},
		{"here.sh", "#!/bin/sh\ncat >license.txt <<END\n" + licenceText + "END\n"},
		{"variable.sh", `export FS_LICENSE_CONTENT="` + escaped + `"`},
		{"settings.json", `{"licence": "` + escaped + `"}`},
		{"list.yml", "licence:\n- someone@example.org\n- 12345\n- \"*C1a2B3c4D5e6\"\n"},
		{"python.py", "L = ['someone@example.org',\n     '12345',\n     ' *C1a2B3c4D5e6']\n"},
		{"one-line.csv", "someone@example.org,12345,*C1a2B3c4D5e6,FS1a2B3c4D5e6\n"},
		{"quoted.sh", "printf '%s\\n' 'someone@example.org' '12345' ' *C1a2B3c4D5e6'\n"},
		{"within.txt", strings.Repeat("much else, me@example.org\n", 1000) + licenceText + strings.Repeat("and more\n", 1000)},
		{"license.txt.gz", gzipped(t, licenceText)},
		{"page.1", gzipped(t, strings.Repeat("a page\n", 5000)+licenceText)},
		{"binary", "\x7fELF\x00\x01\x02" + licenceText + "\x00\xff"},
	}
}

// innocent is what looks similar and must get in.
func innocent(t testing.TB) []disguise {
	return []disguise{
		{"AUTHORS", "Someone <someone@example.org>, 2004\n* Somebody Else <else@example.org>\n* Another\n"},
		{"CHANGES", "someone@example.org\n2004\n* Mended\n* Connectivity\n"},
		{"notes.md", "Write to someone@example.org, 2004. *Introduction* and *Connectivity*.\n"},
		{"fs-license", "cat license.txt # someone@example.org\n"},
		{"code.c", "/* someone@example.org\n * 2004\n */\nint main() { return *argument; }\n"},
		{"license.txt", "Copyright 2004 someone@example.org\nAll rights reserved\n"},
		{"page.1.gz", gzipped(t, "someone@example.org\n* Mended\n")},
		{"empty", ""}, {"broken.gz", "\x1f\x8b\x08broken"},
	}
}

func planted(t *testing.T, d disguise) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, d.name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(d.content), 0o600); err != nil {
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
	all := disguises(t)
	if len(all) < 20 {
		t.Fatalf("only %d disguises", len(all))
	}
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			out, err := free(planted(t, d))
			if err == nil || !strings.Contains(out, d.name) || !strings.Contains(out, "FreeSurfer licence") {
				t.Errorf("it gets in through a step: %v, %q", err, out)
			}
			if !HoldsLicence([]byte(d.content)) {
				t.Error("it gets in among the user's own files")
			}
		})
	}
}

func TestNoLicence(t *testing.T) {
	t.Parallel()
	for _, d := range innocent(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if out, err := free(planted(t, d)); err != nil {
				t.Errorf("it is refused: %s", out)
			}
			if HoldsLicence([]byte(d.content)) {
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
		"base64":        base64.StdEncoding.EncodeToString([]byte(licenceText)),
		"UTF-16":        strings.ReplaceAll(licenceText, "", "\x00"),
		"64 kB or more": licenceText + strings.Repeat("x", 64<<10),
	} {
		if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), said) {
			t.Errorf("SECURITY.md does not say %q", said)
		}
		if out, err := free(planted(t, disguise{"file", content})); err != nil {
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
		if err := os.WriteFile(fmt.Sprintf("%s/%d.gz", dir, i), []byte(gzipped(b, text)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if out, err := free(dir); err != nil {
			b.Fatal(out)
		}
	}
}
