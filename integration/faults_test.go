package integration

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/upstream"
)

func TestFetchUnknownHost(t *testing.T) {
	sharedEngine(t)
	address := "http://no-such-host.invalid" + antsPath
	dir := project(t, components("ants", antsTable(address, strings.Repeat("0", 64))))
	built(t, dir).failed(t, 1, "components.toml:10:1", "ants: fetch "+address, "no such host", "\nhint: ")
}

// A compile that fails shows where in the user's file the component stands,
// which step of which stage it was, and what it said last.
func TestFailingCompile(t *testing.T) {
	sharedEngine(t)
	dir := project(t, components("mrtrix3", fakeMRtrix3(t, site(t), own(t, badConfigure))))
	r := built(t, dir)
	r.failed(t, 1, "components.toml:8:13: mrtrix3: step [mrtrix3] compile failed", "exit code: 3",
		"stages/mrtrix3.go:", "| checking 40", "| error: no Eigen3 found", "\nhint: ")
	if strings.Contains(r.Stderr[strings.LastIndex(r.Stderr, "medbuild: "):], "checking 3\n") {
		t.Error("the error shows more than the last lines")
	}
}

// A failing component leaves the others' work: with it mended they are cached.
func TestFailureKeepsOthersWork(t *testing.T) {
	sharedEngine(t)
	s := site(t)
	slow := fakeANTs(t, s, own(t, goodANTs+"sleep 1\n"))
	s.FailAlways(antsPath, upstream.Slow(2e9))
	bad := project(t, components("mrtrix3", fakeMRtrix3(t, s, own(t, badConfigure)), "ants", slow))
	r := built(t, bad)
	r.failed(t, 1, "mrtrix3: step [mrtrix3] compile failed")
	good := project(t, components("mrtrix3", fakeMRtrix3(t, s, goodConfigure), "ants", slow))
	r = built(t, good).ok(t)
	if !summaryCached(r, "ants") {
		t.Errorf("ants was built again: %s", r.Stderr)
	}
	if n := s.Asked(antsPath); n != 1 {
		t.Errorf("the archive was fetched %d times", n)
	}
}

// summaryCached reports whether the summary says that a part was cached.
func summaryCached(r result, part string) bool {
	for line := range strings.Lines(r.Stderr) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == part && f[1] == "cached" {
			return true
		}
	}
	return false
}

func TestUsageErrors(t *testing.T) {
	dir := project(t, components("ants", "version = \"2.5.4\"\ndistribution = true\nsecrets = [\"token\"]\n"))
	built(t, dir).failed(t, 2, "components.toml:8:13", "ants", "secret token", "\nhint: ")
	built(t, dir, "--secret", "id=token,src=/does/not/exist").failed(t, 2, "token", "no such file")
	built(t, dir, "--secret", "id=token,src=components.toml", "--output", "type=nonsense").failed(t, 2, "nonsense", "\nhint: ")
	built(t, dir, "--nonsense").failed(t, 2, "nonsense", "\nhint: ")
	r := finish(t, in(dir, medbuildCmd(t, "build", "--target", "nothing")))
	r.failed(t, 2, "no target or component", "\nhint: ")
}
