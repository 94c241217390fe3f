package stages

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

func commandsOf(commands ...string) *MRtrix3 {
	return testkit.With(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Commands = commands })
}

// TestMRtrix3ScriptsComeWithWhatTheyCall: a listed script, also what a script
// that it calls calls; nothing twice.
func TestMRtrix3ScriptsComeWithWhatTheyCall(t *testing.T) {
	t.Parallel()
	for script, calls := range mrtrix3Scripts {
		m := commandsOf(script, "mrinfo")
		if !m.keeps(script) || slices.Contains(m.leftOut(), script) {
			t.Errorf("%s is left out although it is listed", script)
		}
		got := m.compiled()
		for _, c := range calls.own {
			if _, other := mrtrix3Scripts[c]; !other && !slices.Contains(got, c) {
				t.Errorf("%s lacks %s", script, c)
			}
		}
		if slices.Sort(got); len(slices.Compact(got)) != len(m.compiled()) || slices.Contains(got, script) {
			t.Errorf("%s: compiles %q", script, got)
		}
	}
	if got := commandsOf("dwi2response").compiled(); !slices.Contains(got, "fixel2peaks") {
		t.Errorf("dwi2response tax lacks fixel2peaks: %q", got)
	}
	if got := commandsOf("dwinormalise").compiled(); !slices.Contains(got, "mrregister") {
		t.Errorf("dwinormalise group lacks mrregister of population_template: %q", got)
	}
}

// TestMRtrix3LeavesOutWhatCannotRun: a script that is not listed stays where it
// is complete, and no other does.
func TestMRtrix3LeavesOutWhatCannotRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		commands []string
		kept     bool
	}{
		{nil, true},
		{[]string{"mrinfo"}, false},
		{[]string{"dwi2mask", "dwiextract", "mrcalc", "mrconvert", "mrdump", "mrinfo"}, false},
		{[]string{"dwi2mask", "dwiextract", "mrcalc", "mrconvert", "mrdump", "mrinfo", "mrmath"}, true},
	} {
		m := commandsOf(tt.commands...)
		s := stagetest.Stage(t, m, stagetest.OnRelease("debian-13"))
		script := llbtest.Read(t, llbtest.End{State: *s.Layer}).Find("[mrtrix3] compile").GetExec().Meta.Args[3]
		removed := strings.Contains(script, "/opt/mrtrix3/bin/dwibiascorrect")
		checked := slices.ContainsFunc(s.Smoke, func(c stage.Check) bool { return c.Command == "dwibiascorrect -help" })
		if removed == tt.kept || checked != tt.kept || (m.Calls() != nil) != tt.kept {
			t.Errorf("%q: removed %v, checked %v, calls %v; want it kept: %v", tt.commands, removed, checked, m.Calls(), tt.kept)
		}
	}
}

// TestMRtrix3NamesWhatOthersBring: the programs of other stages.
func TestMRtrix3NamesWhatOthersBring(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, commandsOf("dwifslpreproc", "mrcalc"), stagetest.OnRelease("debian-13"))
	if len(s.Called) != 1 || s.Called[0].Stage != "fsl" || !slices.Contains(s.Called[0].Programs, "eddy") {
		t.Errorf("calls %+v", s.Called)
	}
	if s := stagetest.Stage(t, newMRtrix3("3.0.8"), stagetest.OnRelease("debian-13")); len(s.Called) > 0 {
		t.Errorf("calls %+v although nothing is listed", s.Called)
	}
}
