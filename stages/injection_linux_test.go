package stages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/medbuild/medbuild/stages/stage"
)

// canaries is the folder of the sandbox that no script writes to of itself.
const canaries = "/canaries"

// evil is a text of which a shell must run nothing. Whatever quotes it is put
// between without being quoted, one of its commands lies outside of them or within
// double ones. Its own quotes come in pairs: a script that it breaks is not even
// read, and would seem harmless.
func evil(name string) string {
	touch := func(how string) string { return "$(touch " + canaries + "/" + name + "." + how + ")" }
	return "x" + touch("plain") + " ' " + touch("single") + " ' \" " + touch("double") + " \" `touch " + canaries + "/" + name + ".ticks`\n" +
		touch("line") + "\n * ? [a] ~ # ; & | > < \\ end"
}

// TestNothingOfTheSettingsIsRun puts a text that tries to have commands run into
// every field of every stage, of an image and of its users, and runs the steps
// and the programs that come of it where they can do no harm. Fields that are
// commands of the user's are left out; what refuses the text is as good.
func TestNothingOfTheSettingsIsRun(t *testing.T) {
	t.Parallel()
	box := newSandbox(t)
	box.run("echo; touch " + canaries + "/control")
	if _, err := os.Stat(filepath.Join(box.dir, canaries, "control")); err != nil {
		t.Fatalf("the sandbox runs nothing: %v", err)
	}
	spoilt := 0
	for name, cases := range stageCases() {
		for _, c := range cases {
			tool := c.tool()
			n := spoil(reflect.ValueOf(tool).Elem(), name+"-"+c.name, func() bool {
				_, err := newTarget("t", c.base(), tool).Assemble()
				return err == nil
			})
			if spoilt += n; n < 2 {
				t.Errorf("%s/%s: only %d fields took the text", name, c.name, n)
			}
			box.add(t, assembled(t, newTarget("t", c.base(), tool)))
		}
	}
	box.add(t, spoiltImage(t))
	if spoilt < 200 || len(box.scripts) < 100 {
		t.Errorf("%d fields and %d scripts: too few to tell anything", spoilt, len(box.scripts))
	}
	for _, canary := range box.try(t) {
		t.Errorf("a shell ran what stands in a setting: %s", canary)
	}
}

// spoiltImage has the text in the settings of the image itself.
func spoiltImage(t *testing.T) assemble.Image {
	t.Helper()
	target := newTarget("t", stageCases()["ants"][0].base(), quickANTs())
	target.Accounts = stage.Accounts{Remove: []string{"ubuntu"}, Add: []stage.Account{{Name: "me", UID: 1, Home: "/home/me", Shell: "/bin/sh"}}}
	target.Config = llb.Config{Path: []string{"/a"}, Env: []string{evil("image-env-value"), "A=" + evil("image-env"), evil("image-env-key") + "=1"}}
	spoil(reflect.ValueOf(&target).Elem(), "image", func() bool {
		_, err := target.Assemble()
		return err == nil
	})
	return assembled(t, target)
}

// spoil puts the text into all strings below v, one after the other, as far as
// what they belong to is not refused then. It returns how many have it.
func spoil(v reflect.Value, name string, accepted func() bool) int {
	switch {
	case v.Kind() == reflect.String && v.CanSet():
		was := v.String()
		v.SetString(evil(name))
		if accepted() {
			return 1
		}
		v.SetString(was)
	case v.Type() == reflect.TypeFor[[]byte]() && v.CanSet():
		was := v.Bytes()
		v.SetBytes(append(slices.Clone(was), "\n"+evil(name)+"\n"...))
		if accepted() {
			return 1
		}
		v.SetBytes(was)
	case v.Kind() == reflect.Struct:
		return spoilStruct(v, name, accepted)
	case v.Kind() == reflect.Slice:
		return spoilSlice(v, name, accepted)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return spoilMap(v, name, accepted)
	}
	return 0
}

// taken is where nothing of the user's stands: what kind of stage it is, what is
// known of bases and what shells are for.
func taken(f reflect.StructField) bool {
	return f.IsExported() && f.Tag.Get("form") != "shell" && f.Name != "Stage" && f.Name != "At" && f.Name != "Run" && f.Name != "Members"
}

func spoilStruct(v reflect.Value, name string, accepted func() bool) int {
	n := 0
	for _, f := range reflect.VisibleFields(v.Type()) {
		if len(f.Index) == 1 && taken(f) {
			n += spoil(v.FieldByIndex(f.Index), name+"-"+f.Name, accepted)
		}
	}
	return n
}

// spoilSlice adds an entry to the ones that there are: some are what others
// depend on.
func spoilSlice(v reflect.Value, name string, accepted func() bool) int {
	n := 0
	for i := range v.Len() {
		n += spoil(v.Index(i), fmt.Sprintf("%s%d", name, i), accepted)
	}
	if v.Type().Elem().Kind() != reflect.String || !v.CanSet() {
		return n
	}
	was := reflect.ValueOf(v.Interface())
	v.Set(reflect.Append(was, reflect.ValueOf(evil(name)).Convert(v.Type().Elem())))
	if accepted() {
		return n + 1
	}
	v.Set(was)
	return n
}

func spoilMap(v reflect.Value, name string, accepted func() bool) int {
	if v.Type() == reflect.TypeFor[stage.Debs]() {
		return spoilDebs(v, name, accepted)
	}
	if v.Type().Elem().Kind() != reflect.String || !v.CanSet() {
		return 0
	}
	was := reflect.ValueOf(v.Interface())
	for _, entry := range [][2]string{{evil(name + "-key"), "1"}, {"B", evil(name)}} {
		more := reflect.MakeMap(v.Type())
		for key, value := range was.Seq2() {
			more.SetMapIndex(key, value)
		}
		more.SetMapIndex(reflect.ValueOf(entry[0]), reflect.ValueOf(entry[1]))
		v.Set(more)
		if !accepted() {
			v.Set(was)
		}
	}
	return 1
}

func spoilDebs(v reflect.Value, name string, accepted func() bool) int {
	was := v.Interface().(stage.Debs)
	more := stage.Debs{stage.AnyRelease: {evil(name)}}
	for release, names := range was {
		more[release] = append(slices.Clone(names), evil(name+"-"+release))
	}
	v.Set(reflect.ValueOf(more))
	if accepted() {
		return 1
	}
	v.Set(reflect.ValueOf(was))
	return 0
}

// sandbox is this machine's root file system with writes that go elsewhere, a
// few programs that do nothing, and neither a network nor other processes.
type sandbox struct {
	dir     string
	scripts map[string]string // by their text; whose they are
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	testkit.Needs(t, "unshare")
	testkit.Needs(t, "bash")
	if os.Geteuid() != 0 {
		t.Skip("needs root for mount namespaces")
	}
	s := &sandbox{dir: t.TempDir(), scripts: map[string]string{}}
	for _, d := range []string{canaries, "scripts"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// enclosed runs each of the scripts, in each of the ways, for a second. What
// needs the network or takes long does nothing there.
const enclosed = `set -e
mkdir -p /mnt
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mkdir -p /mnt/root/canaries /mnt/root/scripts /mnt/root/run/medbuild
mount --bind "$1/canaries" /mnt/root/canaries
mount --bind "$1/scripts" /mnt/root/scripts
mount --bind /dev /mnt/root/dev
for p in apt-get python3 useradd groupadd userdel groupdel; do
	p=/mnt/root$(readlink -f "$(command -v $p || echo /usr/bin/none)")
	[ ! -e "$p" ] || mount --bind /mnt/root/bin/true "$p"
done
exec chroot /mnt/root /bin/sh /scripts/all`

// started is what each script says first.
const started = "=== started ==="

// ways are how a script is run: every line of it, whatever has failed before and
// whatever ends it, once where each condition holds and once where none does.
var ways = []string{"return 0", "return 1"}

// run runs one script as it is.
func (s *sandbox) run(script string) {
	all := "sh -c " + llb.Quote(script)
	if err := os.WriteFile(filepath.Join(s.dir, "scripts", "all"), []byte(all), 0o600); err == nil {
		_ = exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", enclosed, "sh", s.dir).Run()
	}
}

// add takes the scripts of an image: those of its steps, and the files that are
// programs or are read by shells. What the stage files copies is the user's own.
func (s *sandbox) add(t *testing.T, img assemble.Image) {
	t.Helper()
	ends := []llbtest.End{{Name: "image", State: img.State}}
	for i, p := range img.Parts {
		ends = append(ends, llbtest.End{Name: fmt.Sprint("outcomes ", i), State: p.Outcomes})
	}
	for _, op := range llbtest.Read(t, ends...).Ops {
		if e := op.GetExec(); e != nil {
			var env string
			for _, pair := range e.Meta.Env {
				if key, value, _ := strings.Cut(pair, "="); strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" && key != "PATH" {
					env += "export " + key + "=" + llb.Quote(value) + "\n"
				}
			}
			s.scripts[env+e.Meta.Args[3]] = op.Name
		}
		for _, a := range op.GetFile().GetActions() {
			if f := a.GetMkfile(); f != nil && !strings.HasSuffix(op.Name, "] write files") && (strings.HasPrefix(string(f.Data), "#!") || strings.HasSuffix(f.Path, "login")) {
				s.scripts[string(f.Data)] = op.Name + " " + f.Path
			}
		}
	}
}

// try runs them all, and returns the names of the canaries that are there then.
// A script that no shell can read is told as well.
func (s *sandbox) try(t *testing.T) []string {
	t.Helper()
	var all strings.Builder // most of the time they wait for a pipe that nobody opens
	fmt.Fprintln(&all, "cd /tmp\nxargs -P 32 -n 1 sh -c 'timeout -s KILL 1 bash $0; :' <<'END'")
	n := 0
	for script, whose := range s.scripts {
		if out, err := exec.Command("bash", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%q cannot be read: %s", whose, out)
		}
		for _, way := range ways {
			n++
			file := fmt.Sprintf("scripts/%d", n)
			text := "echo " + started + "\n[() { " + way + "; }\ntest() { " + way + "; }\nexit() { :; }\nset +e\n" + strings.ReplaceAll(script, "set -euo pipefail", "")
			testkit.Write(t, filepath.Join(s.dir, file), text)
			fmt.Fprintf(&all, "/%s\n", file)
		}
	}
	testkit.Write(t, filepath.Join(s.dir, "scripts", "all"), all.String()+"END\n")
	cmd := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", enclosed, "sh", s.dir)
	out, _ := cmd.CombinedOutput()
	if ran := strings.Count(string(out), started); ran != n {
		t.Errorf("%d of %d scripts were run: %s", ran, n, out)
	}
	found, err := filepath.Glob(filepath.Join(s.dir, canaries, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		if name := filepath.Base(f); name != "control" {
			names = append(names, name)
		}
	}
	return names
}
