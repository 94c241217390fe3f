package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/internal/image"
)

// serviceTarget states all that a target can: users, a service, files, links
// and folders.
const serviceTarget = `
[components.files]
version = "1"
[[components.files.files]]
from = "hello.sh"
to = "/usr/local/bin/hello"
mode = "0755"
[[components.files.files]]
to = "/home/jovyan/work/inner"
mode = "0775"
owner = "1000:100"
[components.files.links]
"/home/jovyan/tools" = "/usr/local/bin"

[targets.service]
base = "hard"
components = ["files"]
path = ["/opt/own/bin"]
env = { OWN = "a 'b' $c" }
ports = ["9000"]
remove_accounts = ["games", "nobody-has-this-name"]
[targets.service.healthcheck]
command = ["hello"]
interval = "30s"
retries = 3
[targets.service.accounts.scu]
uid = 8004
home = "/home/scu"
[targets.service.accounts.data]
uid = 2000
gid = 2001
home = "/home/jovyan/work"
shell = "/bin/sh"
`

func serviceProject(t *testing.T) string {
	t.Helper()
	dir := kit.Project(t, "[image]\nname = \"medbuild/test\"\nversion = \"1\"\n\n[bases.hard]\ntar = \"base.tar\"\n"+serviceTarget)
	hardTar(t, filepath.Join(dir, "base.tar"))
	kit.WriteFile(t, filepath.Join(dir, "hello.sh"), "#!/bin/sh\necho hello\n")
	return dir
}

// What a target states is in the image, and the base's folders have the owner
// and the mode that they had.
func TestTargetStates(t *testing.T) {
	kit.SharedEngine(t)
	dir := serviceProject(t)
	out := kit.Inside(t, dir, "service", `
		getent passwd scu data games || :
		getent group scu data
		stat -c '%n %U:%G %a' /home/scu /home/jovyan /home/jovyan/work /home/jovyan/work/inner /home/jovyan/work/notes /usr/local /usr/local/bin
		readlink /home/jovyan/tools
		/home/jovyan/tools/hello
		ls /etc/passwd- /etc/.pwd.lock 2>/dev/null || echo nothing left behind
		env -i /bin/bash -lc 'echo "$PATH $OWN"'`)
	for _, want := range []string{
		"scu:x:8004:8004::/home/scu:/bin/bash\n", "data:x:2000:2001::/home/jovyan/work:/bin/sh\n", "scu:x:8004:\n", "data:x:2001:\n",
		"/home/scu scu:scu 7", "/home/jovyan 1000:users 2770\n", "/home/jovyan/work 1000:users 2775\n",
		"/home/jovyan/work/inner 1000:users 775\n", "/home/jovyan/work/notes 1000:users 640\n",
		"/usr/local root:root 755\n", "/usr/local/bin root:root 755\n", "\n/usr/local/bin\nhello\n", "nothing left behind\n",
		"\n/opt/own/bin:/usr/", " a 'b' $c\n",
	} {
		if !strings.Contains(strings.ReplaceAll("\n"+out, "UNKNOWN", "1000"), want) {
			t.Errorf("the image lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "games:") {
		t.Errorf("the user is still there:\n%s", out)
	}
	got := kit.Must(kit.OpenLayout(t, kit.LayoutOf(t, dir, "service")).ConfigFile())(t).Config
	if _, ok := got.ExposedPorts["9000/tcp"]; !ok || got.Healthcheck == nil || got.Healthcheck.Interval != 30*time.Second || got.Healthcheck.Retries != 3 {
		t.Errorf("ports %v, health check %+v", got.ExposedPorts, got.Healthcheck)
	}
}

// Two engines make the same layers of the accounts and all that comes after:
// nothing of the day is in them.
func TestAccountsRepeat(t *testing.T) {
	dir := serviceProject(t)
	var ids []string
	for range 2 {
		kit.EmptyEngine(t)
		img := kit.OpenLayout(t, kit.LayoutOf(t, dir, "service"))
		layers := kit.Must(img.Layers())(t)
		if len(layers) != 6 {
			t.Fatalf("%d layers, want the base, packages, accounts, files, manifest and folders", len(layers))
		}
		var all []string
		for _, l := range layers[2:] {
			all = append(all, kit.Must(l.DiffID())(t).String())
		}
		ids = append(ids, strings.Join(all, "\n"))
	}
	if ids[0] != ids[1] {
		t.Errorf("the layers after the packages differ:\n%s\n\n%s", ids[0], ids[1])
	}
}

// A number that the base has given away: the step's error leads to the target.
func TestAccountsRefused(t *testing.T) {
	kit.SharedEngine(t)
	dir := serviceProject(t)
	name := filepath.Join(dir, "components.toml")
	text := kit.ReadFile(t, name)
	kit.WriteFile(t, name, strings.Replace(text, "gid = 2001", "gid = 1", 1))
	above, _, _ := strings.Cut(text, "[targets.service]")
	line := strings.Count(above, "\n") + 1
	kit.Finish(t, kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--target", "service"))).Failed(t, 1, fmt.Sprintf("components.toml:%d:", line), "service: step [service] accounts failed", "GID '1' already exists", "\nhint: ")
}

// Two targets in one run: what both have is run once.
func TestTargetsShare(t *testing.T) {
	kit.SharedEngine(t)
	text := kit.Components("ants", "prefix = \"/opt/ants\"\n"+standins.ANTs(t, kit.Site(t), kit.Own(t, standins.GoodANTs)))
	_, all, _ := strings.Cut(text, "[targets.all]")
	dir := kit.Project(t, text+"\n[targets.other]\nenv = { A = \"b\" }"+all)
	r := kit.Built(t, dir, "--target", "other", "--output", "type=oci,tar=false,dest=out/{target}").OK(t)
	steps := regexp.MustCompile(`(?m)^#\d+ \[ants\] unpack$`).FindAllString(r.Stderr, -1)
	slices.Sort(steps) // a step that goes on is named again
	if len(slices.Compact(steps)) != 1 {
		t.Errorf("%q unpack ANTs, want one step: %s", steps, r.Stderr)
	}
	one, other := kit.OpenLayout(t, filepath.Join(dir, "out/all")), kit.OpenLayout(t, filepath.Join(dir, "out/other"))
	if a, b := kit.Must(one.Digest())(t), kit.Must(other.Digest())(t); a == b {
		t.Error("the targets are one image")
	}
	a, b := kit.Must(one.Layers())(t), kit.Must(other.Layers())(t)
	if n := layerNumbers(t, filepath.Join(dir, "out/all"), "opt/ants/bin/antsRegistration")["opt/ants/bin/antsRegistration"]; kit.Must(a[n].Digest())(t) != kit.Must(b[n].Digest())(t) {
		t.Errorf("the images do not share layer %d", n)
	}
}

// layerNumbers is the layer in which each of the files is, by number.
func layerNumbers(t *testing.T, layout string, names ...string) map[string]int {
	t.Helper()
	out := map[string]int{}
	kit.NoError(t, image.Walk(kit.OpenLayout(t, layout), func(e image.Entry) error {
		if slices.Contains(names, e.Name) {
			out[e.Name] = e.Layer
		}
		return nil
	}))
	return out
}
