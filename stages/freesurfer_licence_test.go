package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

// licenceScript writes fs-license with its licence in a temporary folder.
func licenceScript(t *testing.T) (script, licence string) {
	t.Helper()
	dir := t.TempDir()
	f := newFreeSurfer("full")
	f.Licence = filepath.Join(dir, "workspace", "license.txt")
	script = filepath.Join(dir, "fs-license")
	testkit.Write(t, script, string(f.lists(profile{})["fs-license"]))
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	return script, f.Licence
}

// run runs a shell command with the variables and no others of FreeSurfer's.
func runWith(t *testing.T, command string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-euc", command)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestLicenceFromAVariable(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"lines":     strings.TrimSuffix(someLicence, "\n"),
		"backslash": strings.ReplaceAll(strings.TrimSuffix(someLicence, "\n"), "\n", `\n`),
	} {
		t.Run(name, func(t *testing.T) {
			script, licence := licenceScript(t)
			out, err := runWith(t, script+` sh -c 'echo "${FS_LICENSE_CONTENT-gone} $FS_LICENSE"'`, "FS_LICENSE_CONTENT="+content)
			if err != nil || out != "gone "+licence+"\n" {
				t.Errorf("%v: %q", err, out)
			}
			info, err := os.Stat(licence)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(licence); string(got) != someLicence || info.Mode().Perm() != 0o600 {
				t.Errorf("licence has mode %v and holds\n%s", info.Mode(), got)
			}
		})
	}
}

func TestLicenceSourcedByAnEntryPoint(t *testing.T) {
	t.Parallel()
	script, licence := licenceScript(t)
	entry := filepath.Join(t.TempDir(), "entrypoint.sh")
	testkit.Write(t, entry, "set -eu\n. "+script+"\necho \"started with $# and $FS_LICENSE\"\n")
	out, err := runWith(t, "/bin/sh "+entry+" a b", "FS_LICENSE_CONTENT="+someLicence)
	if err != nil || out != "started with 2 and "+licence+"\n" {
		t.Errorf("%v: %q", err, out)
	}
	// Without a licence the image starts too: other tools need none.
	if err := os.Remove(licence); err != nil {
		t.Fatal(err)
	}
	out, err = runWith(t, "/bin/sh "+entry)
	if err != nil || !strings.Contains(out, "no FreeSurfer licence at "+licence) || !strings.Contains(out, "started with 0") {
		t.Errorf("%v: %q", err, out)
	}
}

func TestMissingLicence(t *testing.T) {
	t.Parallel()
	script, licence := licenceScript(t)
	out, err := runWith(t, script)
	if err == nil || !strings.Contains(out, "there is no FreeSurfer licence at "+licence) || !strings.Contains(out, "hint: ") {
		t.Errorf("%v: %q", err, out)
	}
	if out, err := runWith(t, script+" echo ran"); err != nil || !strings.HasSuffix(out, "\nran\n") {
		t.Errorf("%v: %q", err, out)
	}
	if _, err := runWith(t, script+" sh -c 'exit 7'"); err == nil || !strings.Contains(err.Error(), "status 7") {
		t.Errorf("the command's exit code is lost: %v", err)
	}
}

// TestLicenceElsewhere: FreeSurfer 6.0.0 knows license.txt alone.
func TestLicenceElsewhere(t *testing.T) {
	t.Parallel()
	script, licence := licenceScript(t)
	own := filepath.Join(t.TempDir(), "my-license.txt")
	testkit.Write(t, own, someLicence)
	if out, err := runWith(t, script, "FS_LICENSE="+own); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := os.ReadFile(licence); err != nil || string(got) != someLicence {
		t.Errorf("%s does not lead to the licence: %v", licence, err)
	}
}

func TestLicenceThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	script, licence := licenceScript(t)
	testkit.Write(t, filepath.Dir(licence), "a file where the folder should be")
	out, err := runWith(t, script, "FS_LICENSE_CONTENT="+someLicence)
	if err == nil || !strings.Contains(out, "cannot be written to "+licence) {
		t.Errorf("%v: %q", err, out)
	}
	if strings.Contains(out, "someone@example.org") {
		t.Errorf("the message has the licence: %q", out)
	}
}
