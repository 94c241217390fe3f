package faults

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

func TestFetchUnknownHost(t *testing.T) {
	kit.SharedEngine(t)
	address := "http://no-such-host.invalid" + standins.ANTsPath
	dir := kit.Project(t, kit.Components("ants", standins.ANTsAt(address, strings.Repeat("0", 64))))
	kit.Built(t, dir).Failed(t, 1, "components.toml:10:1", "ants: fetch "+address, "no such host", "\nhint: ")
}

// A compile that fails shows where in the user's file the component stands,
// which step of which stage it was, and what it said last; with --debug also
// which line of medbuild's own source made the step.
func TestFailingCompile(t *testing.T) {
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, kit.Site(t), kit.Own(t, standins.BadConfigure))))
	r := kit.Built(t, dir)
	r.Failed(t, 1, "components.toml:8:13: mrtrix3: step [mrtrix3] compile failed", "exit code: 3",
		"| checking 40", "| error: no Eigen3 found", "\nhint: ")
	if strings.Contains(r.Stderr[strings.LastIndex(r.Stderr, "medbuild: "):], "checking 3\n") {
		t.Error("the error shows more than the last lines")
	}
	if strings.Contains(r.Stderr, "stages/mrtrix3.go:") {
		t.Error("the error names medbuild's own source")
	}
	kit.Built(t, dir, "--debug").Failed(t, 1, "stages/mrtrix3.go:", "| error: no Eigen3 found")
}

// A failing component leaves the others' work: with it mended they are cached.
func TestFailureKeepsOthersWork(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	slow := standins.ANTs(t, s, kit.Own(t, standins.GoodANTs+"sleep 1\n"))
	s.FailAlways(standins.ANTsPath, upstream.Slow(2e9))
	bad := kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, s, kit.Own(t, standins.BadConfigure)), "ants", slow))
	r := kit.Built(t, bad)
	r.Failed(t, 1, "mrtrix3: step [mrtrix3] compile failed")
	good := kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, s, standins.GoodConfigure), "ants", slow))
	r = kit.Built(t, good).OK(t)
	if !r.Cached("ants") {
		t.Errorf("ants was built again: %s", r.Stderr)
	}
	if n := s.Asked(standins.ANTsPath); n != 1 {
		t.Errorf("the archive was fetched %d times", n)
	}
}

func TestUsageErrors(t *testing.T) {
	dir := kit.Project(t, kit.Components("ants", "version = \"2.5.4\"\ndistribution = true\nsecrets = [\"token\"]\n"))
	kit.Built(t, dir).Failed(t, 2, "components.toml:8:13", "ants", "secret token", "\nhint: ")
	kit.Built(t, dir, "--secret", "id=token,src=/does/not/exist").Failed(t, 2, "token", "no such file")
	kit.Built(t, dir, "--secret", "id=token,src=components.toml", "--output", "type=nonsense").Failed(t, 2, "nonsense", "\nhint: ")
	kit.Built(t, dir, "--nonsense").Failed(t, 2, "nonsense", "\nhint: ")
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "build", "--target", "nothing")))
	r.Failed(t, 2, "no target or component", "\nhint: ")
}
