package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a hostile file may cost. Time is the processor's: other tests run beside
// this one.
const (
	hostileTime   = time.Second
	hostileMemory = 200 << 20
)

// hostile is files that ask for more than they are worth.
type hostile struct {
	name  string
	files map[string]string
	args  []string // behind "medbuild stages"
	want  string   // of what it says; "" when it is read
}

const hostileHead = "image = { name = \"a\", version = \"1\" }\n[bases.b]\ntar = \"b.tar\"\n"

func repeated(n int, text func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(i))
	}
	return b.String()
}

func number(before, after string) func(int) string {
	return func(i int) string { return before + strconv.Itoa(i) + after }
}

// components is a file with text as its components.
func components(text string) map[string]string {
	return map[string]string{"components.toml": text}
}

func hostileTables() []hostile {
	apt := repeated(10_000, number("[components.c", "]\nstage = \"apt\"\nversion = \"1\"\nlicence = \"MIT\"\npackages = [\"p\"]\n"))
	return []hostile{
		{name: "a dotted key of 20 kB", files: components(strings.Repeat("a.", 10_000) + "a = 1"), want: "nested more than 64 levels deep"},
		{name: "a dotted key of 2 MB", files: components(strings.Repeat("a.", 1<<20-5) + "a = 1"), want: "nested more than 64 levels deep"},
		{name: "keys of 63 parts", files: components(repeated(14_000, number(strings.Repeat("a.", 62), " = 1\n"))), want: "too many long keys"},
		{name: "keys below a long header", files: components("[" + strings.Repeat("aaaaaaaaaaaaaaa.", 60) + "a]\n" + repeated(150_000, number("a", " = 1\n"))), want: "too many long keys"},
		{name: "a long key", files: components("[" + strings.Repeat("a", 1<<20) + "]\n" + repeated(90_000, number("a", " = 1\n"))), want: "a key is longer than 256 bytes"},
		{name: "deep arrays", files: components("a = " + strings.Repeat("[", 1<<20)), want: "nested more than"},
		{name: "inline tables", files: components("a = " + strings.Repeat("{a = ", 65) + "1" + strings.Repeat("}", 65)), want: "nested more than 64"},
		{name: "a wide array", files: components("a = [" + strings.Repeat("1,", 1<<20-10) + "]"), want: "more than 150000 keys and values"},
		{name: "empty arrays", files: components("a = [" + strings.Repeat("[],", 690_000) + "]"), want: "more than 150000 keys and values"},
		{name: "an array of tables", files: components(strings.Repeat("[[a]]\n", 340_000)), want: "more than 150000 keys and values"},
		{name: "tables", files: components(repeated(70_000, number("[components.c", "]\n"))), want: "more than 10000 components"},
		{name: "unknown keys", files: components(hostileHead + repeated(140_000, number("k", " = 1\n"))), want: "there are more problems than these 100"},
		{name: "misspelt members", files: components(hostileHead + apt + "[targets.t]\nbase = \"b\"\ncomponents = [" + repeated(10_000, number("\"x", "\",")) + "]\n"), want: "there is no component \"x0\""},
		{name: "twice the same member", files: components(hostileHead + apt + "[targets.t]\nbase = \"b\"\ncomponents = [" + strings.Repeat("\"c1\",", 70_000) + "]\n"), want: "names component \"c1\" twice"},
		{name: "a target for every component", files: components(hostileHead + apt + repeated(9_000, number("[targets.t", "]\nbase = \"b\"\ncomponents = [\"c1\"]\n")))},
		{name: "a file too large", files: components(strings.Repeat("#\n", 1<<20) + "#"), want: "is larger than 2 MiB"},
		{name: "a deep override", files: components(hostileHead), args: []string{"--set", strings.Repeat("a.", 60_000) + "a=1"}, want: "not of the form"},
	}
}

// python is a file with a Python environment of requirements, lock one with a
// conda environment, both with the list beside them.
func python(text string) map[string]string {
	return map[string]string{"requirements.txt": text, "components.toml": hostileHead +
		"[components.python]\nversion = \"3.13\"\npackages = [\"a\"]\nrequirements = \"requirements.txt\"\n[targets.t]\nbase = \"b\"\ncomponents = [\"python\"]\n"}
}

func lock(text string) map[string]string {
	return map[string]string{"lock.tsv": text, "components.toml": hostileHead +
		"[components.conda]\nversion = \"1\"\nlicence = \"MIT\"\nlock = \"lock.tsv\"\n[targets.t]\nbase = \"b\"\ncomponents = [\"conda\"]\n"}
}

func hostileLists() []hostile {
	hash := " --hash=sha256:" + strings.Repeat("1", 64)
	row := "\t" + strings.Repeat("1", 64) + "\thttps://h/noarch/a"
	return []hostile{
		{name: "requirements", files: python(repeated(5_000, number("p", "==1"+hash+"\n"))), want: "package a is not pinned"},
		{name: "loose requirements", files: python("a==1" + hash + "\n" + repeated(4_999, number("p", "==1\n"))), want: "p4998==1 is not pinned"},
		{name: "requirements by address", files: python(repeated(5_000, number("p", " @ https://h/p-1.tar.gz"+hash+"\n"))), want: "package a is not pinned"},
		{name: "many requirements", files: python(repeated(180_000, number("p", "==1\n"))), want: "lists more than 5000 packages"},
		{name: "one long requirement", files: python("a==1 " + strings.Repeat("\\\n", 1<<20-10)), want: "a==1 is not pinned"},
		{name: "requirements in UTF-16", files: python("\xff\xfea\x00"), want: "is encoded in UTF-16"},
		{name: "large requirements", files: python(strings.Repeat("#\n", 1<<20+1)), want: "larger than 2 MiB"},
		{name: "a lock", files: lock(repeated(5_000, number("1"+row, "-1-0.conda\n")) + "x"), want: "lock.tsv:5001: the line has 1 fields"},
		{name: "tabs", files: lock(strings.Repeat("\t", 2<<20)), want: "lock.tsv:1: the line has 2097153 fields"},
		{name: "a large lock", files: lock(strings.Repeat("#\n", 1<<20+1)), want: "larger than 2 MiB"},
		{name: "large files", files: map[string]string{"x": strings.Repeat("x", 4<<20), "components.toml": hostileHead +
			repeated(100, number("[components.c", "]\nstage = \"files\"\nversion = \"1\"\nfiles = [{ from = \"x\", to = \"/opt/x\" }]\n"))}, want: "all files together larger than 32 MiB"},
	}
}

// service is a file with an oSPARC service.
func service(text string) map[string]string {
	return map[string]string{"metadata.yml": text, "components.toml": hostileHead + "[targets.t]\nbase = \"b\"\ncomponents = []\nosparc = \".\"\n"}
}

func hostileServices() []hostile {
	return []hostile{
		{name: "a deep service", files: service("a: " + strings.Repeat("[", 200_000)), want: "not YAML"},
		{name: "a deep block", files: service(repeated(700, func(i int) string { return strings.Repeat(" ", i) + "a:\n" })), want: "nested more than"},
		{name: "a wide service", files: service("a: [" + strings.Repeat("1,", 120_000) + "]"), want: "expands to more than"},
		{name: "laughs", files: service(laughs()), want: "expands to more than"},
		{name: "a long anchor", files: service("a: &a " + strings.Repeat("x", 200_000) + "\nb: [" + strings.Repeat("*a,", 10_000) + "]\n"), want: "expands to more than"},
		{name: "keys of a service", files: service(repeated(25_000, number("k", ": 1\n"))), want: "expands to more than"},
		{name: "a large service", files: service(strings.Repeat("#\n", 600_000)), want: "larger than 256 KiB"},
	}
}

// laughs is a list that doubles with each line.
func laughs() string {
	return "a0: &a0 [x]\n" + repeated(60, func(i int) string {
		return fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	})
}

// A hostile file costs a second and 200 MB at most. Each is read by a process of
// its own, which can have no more than twice the memory of a failing one.
func TestHostileFiles(t *testing.T) {
	for _, h := range slices.Concat(hostileTables(), hostileLists(), hostileServices()) {
		t.Run(h.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range h.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			said, used := h.best(t, dir)
			if h.want != "" && !strings.Contains(said, h.want) || h.want == "" && said != "" {
				t.Errorf("it says %.500q, want %q", said, h.want)
			}
			if took := cost(used); took > hostileTime {
				t.Errorf("it takes %v, want %v at most", took, hostileTime)
			}
			if kib := used.SysUsage().(*syscall.Rusage).Maxrss; kib<<10 > hostileMemory {
				t.Errorf("it takes %d MB, want %d at most", kib>>10, hostileMemory>>20)
			}
		})
	}
}

// best is the cheapest of a few runs: what else the processors do makes each of
// them dearer.
func (h hostile) best(t *testing.T, dir string) (said string, used *os.ProcessState) {
	t.Helper()
	for try := 0; try < 3 && (used == nil || cost(used) > hostileTime); try++ {
		text, state := h.run(t, dir)
		if used == nil || cost(state) < cost(used) {
			said, used = text, state
		}
	}
	return said, used
}

// cost is the time on processors.
func cost(p *os.ProcessState) time.Duration { return p.UserTime() + p.SystemTime() }

// run is what medbuild says on standard error, and what it used.
func (h hostile) run(t *testing.T, dir string) (string, *os.ProcessState) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// More than half a gigabyte would end in Go's own words, not in ours.
	program := medbuild(t, dir)
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", `ulimit -d 524288; exec "$0" stages "$@"`, program.Path}, h.args...)...)
	cmd.Dir, cmd.Env = dir, program.Env
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return said.String(), cmd.ProcessState
}
