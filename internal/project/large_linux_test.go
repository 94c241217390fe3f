package project

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// Four times as many components take four times as long, and not sixteen times: ten
// thousand packages took 87 s.
func TestLinear(t *testing.T) {
	apt := func(i int) string {
		return fmt.Sprintf("[components.c%d]\nstage = \"apt\"\nversion = \"1\"\nlicence = \"MIT\"\npackages = [\"p%d\"]\n", i, i)
	}
	files := func(i int) string {
		return fmt.Sprintf("[components.c%d]\nstage = \"files\"\nversion = \"1\"\nfiles = [{ from = \"x\", to = \"/opt/c%d/x\" }]\nprefix = \"/opt/c%d\"\n", i, i, i)
	}
	for name, component := range map[string]func(int) string{"apt": apt, "files": files} {
		few, many := quickest(t, component, 1000), quickest(t, component, 4000)
		t.Logf("%s: 1000 in %v, 4000 in %v", name, few, many)
		if many > 7*few {
			t.Errorf("%s: 1000 components take %v, 4000 take %v", name, few, many)
		}
	}
}

// quickest is the best of some times on processors, which other programs change
// little, that it takes to read a file with n components and to put its one target
// together.
func quickest(t *testing.T, component func(int) string, n int) time.Duration {
	t.Helper()
	var text, members strings.Builder
	for i := range n {
		text.WriteString(component(i))
		fmt.Fprintf(&members, "\"c%d\",", i)
	}
	image := "image = { name = \"a\", version = \"1\" }\n[bases.trixie]\nimage = \"registry.example/base@sha256:" + strings.Repeat("5a", 32) + "\"\n"
	target := "[targets.t]\nbase = \"trixie\"\ncomponents = [" + members.String() + "]\n"
	from := fstest.MapFS{"c.toml": {Data: []byte(image + text.String() + target)}, "x": {Data: []byte("x")}}
	best := time.Hour
	for range 3 {
		start := used(t)
		putTogether(t, from)
		best = min(best, used(t)-start)
	}
	return best
}

// used is this process's time on processors.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func putTogether(t *testing.T, from fstest.MapFS) {
	t.Helper()
	p, err := Read(from, "c.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	targets, err := p.Select(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Refused(targets, known{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Assemble(t.Context(), targets, known{"trixie": benchBase()}, Options{}); err != nil {
		t.Fatal(err)
	}
}
