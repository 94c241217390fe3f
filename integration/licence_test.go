package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/internal/testkit"
)

// Whoever gets an image gets a licence that lies in it: none gets in among the
// user's own files, under whatever name.
func TestLicenceAmongFiles(t *testing.T) {
	for i, d := range testkit.Disguises(t) {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("f%d", i)
			dir := kit.Project(t, kit.Components("own", "stage = \"files\"\nversion = \"1\"\nprefix = \"/opt/own\"\nfiles = [{ from = \""+name+"\", to = \"share/"+name+"\" }]\n"))
			kit.WriteFile(t, filepath.Join(dir, name), d.Content)
			kit.Built(t, dir).Failed(t, 1, "own: ", name, "FreeSurfer licence")
		})
	}
}

// Nor with an archive, or with the base.
func TestLicenceInArchives(t *testing.T) {
	kit.Long(t, "builds with an archive for each disguise of a licence")
	kit.SharedEngine(t)
	s := kit.Site(t)
	for i, d := range testkit.Disguises(t) {
		t.Run(d.Name, func(t *testing.T) {
			address, sum := s.Put(fmt.Sprintf("/lab/disguise-%d.tar.gz", i), kit.Tar(t, map[string]string{"tool-1/bin/tool": kit.Own(t, "#!/bin/sh\necho 1.0\n"), "tool-1/share/" + d.Name: d.Content}))
			dir := kit.Project(t, kit.Components("tool", fmt.Sprintf("stage = \"archive\"\nversion = \"1.0\"\nprefix = \"/opt/tool\"\nstrip = 1\nlicence = \"MIT\"\nversion_command = \"sh /opt/tool/bin/tool\"\nsource = { url = %q, sha256 = %q }\n", address, sum)))
			kit.Built(t, dir).Failed(t, 1, "tool: ", "FreeSurfer licence")
		})
	}
	t.Run("base", func(t *testing.T) {
		dir := kit.Project(t, strings.Replace(kit.Components("own", "stage = \"files\"\nversion = \"1\"\nprefix = \"/opt/own\"\nfiles = [{ from = \"f\", to = \"share/f\" }]\n"), "BASE", "base.tar", 1))
		kit.WriteFile(t, filepath.Join(dir, "f"), "nothing\n")
		d := testkit.Disguises(t)[3]
		kit.WriteFile(t, filepath.Join(dir, "opt", d.Name), d.Content)
		kit.NoError(t, exec.Command("cp", kit.BaseTar(t), filepath.Join(dir, "base.tar")).Run())
		kit.NoError(t, exec.Command("tar", "-C", dir, "-rf", filepath.Join(dir, "base.tar"), "opt/"+d.Name).Run())
		kit.Built(t, dir).Failed(t, 1, "base", d.Name, "FreeSurfer licence")
	})
}
