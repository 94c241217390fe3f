package stages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/moby/buildkit/solver/pb"
)

// everyGraph is the graphs of all targets, all stage cases and the probe.
func everyGraph(t *testing.T, test func(t *testing.T, g *llbtest.Graph)) {
	t.Helper()
	run := func(name string, ends ...llbtest.End) {
		t.Run(name, func(t *testing.T) { test(t, llbtest.Read(t, ends...)) })
	}
	for name, target := range targetCases() {
		run("target/"+name, llbtest.End{State: assembled(t, target()).State})
	}
	for stage, cases := range stageCases() {
		for _, c := range cases {
			run(stage+"/"+c.name, ends(part(t, c))...)
		}
	}
	run("probe", llbtest.End{State: base.Probe("trixie", stagetest.Trixie().Root)})
}

func TestStepsAreNamedByComponentAndAction(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^\[[a-z0-9]+\] [a-z]`)
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			if !form.MatchString(s.Name) {
				t.Errorf("step %q is not named by component and action", s.Name)
			}
		}
	})
}

// networked is the actions that run a package manager. Everything else gets
// what it needs as an input.
var networked = []string{"compiler", "runtime packages", "unzip", "unpacker", "pip", "fetch uv", "fetch py-rattler", "install packages"}

func TestOnlyPackageManagersHaveNetwork(t *testing.T) {
	t.Parallel()
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			_, action, _ := strings.Cut(s.Name, "] ")
			open := s.GetExec().Network != pb.NetMode_NONE
			if open != slices.Contains(networked, action) {
				t.Errorf("step %q has network: %v", s.Name, open)
			}
		}
	})
}

func TestNetworkedStepsTakeTheSitesFiles(t *testing.T) {
	t.Parallel()
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			if s.GetExec().Network == pb.NetMode_NONE {
				continue
			}
			for _, file := range llb.SiteFiles() {
				m := mountAt(s, file)
				if m == nil || !m.SecretOpt.GetOptional() || m.SecretOpt.ID != llb.SiteID(file) {
					t.Errorf("step %q does not take %s as an optional secret", s.Name, file)
				}
			}
		}
	})
}

// TestStepsWithoutNetworkSeeNothingOfTheSite: its addresses can hold passwords.
// The number of jobs is all that they are told.
func TestStepsWithoutNetworkSeeNothingOfTheSite(t *testing.T) {
	t.Parallel()
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			if s.GetExec().Network != pb.NetMode_NONE {
				continue
			}
			for _, file := range llb.SiteFiles() {
				if mountAt(s, file) != nil {
					t.Errorf("step %q has no network, but %s", s.Name, file)
				}
			}
		}
	})
}

func mountAt(s *llbtest.Op, target string) *pb.Mount {
	i := slices.IndexFunc(s.GetExec().Mounts, func(m *pb.Mount) bool { return m.Dest == target })
	if i < 0 {
		return nil
	}
	return s.GetExec().Mounts[i]
}

// TestCacheIDsEndInTheirPath: BuildKit leaves such an id out of the cache key.
func TestCacheIDsEndInTheirPath(t *testing.T) {
	t.Parallel()
	seen := 0
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			for _, m := range s.GetExec().Mounts {
				if m.CacheOpt == nil {
					continue
				}
				seen++
				if !strings.HasSuffix(m.CacheOpt.ID, m.Dest) {
					t.Errorf("step %q: cache %q does not end in %s", s.Name, m.CacheOpt.ID, m.Dest)
				}
			}
		}
	})
	if seen == 0 {
		t.Error("no step has a cache")
	}
}

func TestOnlyTheStepsFolderAndThePrefixAreMounted(t *testing.T) {
	t.Parallel()
	allowed := []string{"/", llb.Run, "/opt", "/home", "/uv", "/var/lib/apt/lists"}
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			for _, m := range s.GetExec().Mounts {
				if !slices.ContainsFunc(allowed, func(a string) bool { return m.Dest == a || a != "/" && strings.HasPrefix(m.Dest, a+"/") }) {
					t.Errorf("step %q mounts %s", s.Name, m.Dest)
				}
			}
		}
	})
}

// TestInputsAreReadOnly: a step can write to its root file system and to what
// it makes, an empty folder or one in a skeleton, not to what it was given.
func TestInputsAreReadOnly(t *testing.T) {
	t.Parallel()
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			for _, m := range s.GetExec().Mounts {
				given := m.MountType == pb.MountType_BIND && m.Input >= 0 && m.Dest != "/" && m.Selector == ""
				if given && !m.Readonly {
					t.Errorf("step %q can write to its input at %s", s.Name, m.Dest)
				}
			}
		}
	})
}

func TestScriptsAreComplete(t *testing.T) {
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			if script := s.GetExec().Meta.Args[3]; llb.Incomplete(script) {
				t.Errorf("step %q: %s", s.Name, script)
			}
		}
	})
}

func TestSourcesArePinned(t *testing.T) {
	t.Parallel()
	pins := map[string]string{"http": "http.checksum", "https": "http.checksum", "git": "git.checksum", "local": "local.unique"}
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, o := range g.Ops {
			if o.GetSource() == nil {
				continue
			}
			kind, _, _ := strings.Cut(o.GetSource().Identifier, "://")
			if attr, known := pins[kind]; known && o.GetSource().Attrs[attr] == "" {
				t.Errorf("%s has no %s", o.Name, attr)
			}
			if strings.HasPrefix(kind, "http") && o.GetSource().Attrs["http.filename"] == "" {
				t.Errorf("%s has no file name", o.Name)
			}
			if strings.HasSuffix(kind, "image") && !strings.Contains(o.GetSource().Identifier, "@sha256:") {
				t.Errorf("%s has no digest", o.Name)
			}
		}
	})
}

// TestSurroundingsStayOutOfTheDefinition: what differs between machines,
// commits and runs changes no cache key.
func TestSurroundingsStayOutOfTheDefinition(t *testing.T) {
	before := llbtest.Bytes(t, llbtest.Marshal(t, assembled(t, jupyterTarget()).State))
	for _, v := range []string{"MEDBUILD_JOBS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
		"PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SOURCE_DATE_EPOCH", "SSL_CERT_FILE", "TZ", "HOME"} {
		t.Setenv(v, "http://7777.example")
	}
	t.Chdir(t.TempDir())
	after := llbtest.Bytes(t, llbtest.Marshal(t, assembled(t, jupyterTarget()).State))
	if string(before) != string(after) {
		t.Error("the definition changes with the environment")
	}
}

func TestJobsAreAskedInTheStep(t *testing.T) {
	t.Parallel()
	everyGraph(t, func(t *testing.T, g *llbtest.Graph) {
		for _, s := range g.Steps() {
			for _, e := range s.GetExec().Meta.Env {
				if strings.Contains(e, "JOBS") || strings.Contains(e, "PROCESSORS") {
					t.Errorf("step %q has %s in its cache key", s.Name, e)
				}
			}
		}
	})
	g := llbtest.Read(t, llbtest.End{State: *stagetest.Stage(t, newMRtrix3("3.0.8"), stagetest.Trixie()).Layer})
	s := g.Find("[mrtrix3] compile")
	if !strings.Contains(s.GetExec().Meta.Args[3], "${MEDBUILD_JOBS:-$(nproc)}") || mountAt(s, llb.SiteJobs) == nil {
		t.Error("the compile step does not ask for the number of jobs")
	}
}

// TestSourceMap: every step points at the line that made it, in the function
// whose work it is.
func TestSourceMap(t *testing.T) {
	t.Parallel()
	made := map[string]string{
		"[mrtrix3] compiler":            "stages/mrtrix3.go: tools",
		"[mrtrix3] compile":             "stages/mrtrix3.go: compile",
		"[mrtrix3] runtime packages":    "internal/assemble/targets.go: isolated",
		"[mrtrix3] test":                "internal/assemble/tests.go: tested",
		"[ants] unzip":                  "stages/ants.go: unpack",
		"[ants] unpack":                 "stages/ants.go: unpack",
		"[python] pip":                  "stages/python.go: tools",
		"[python] fetch uv":             "stages/python.go: uv",
		"[python] install packages":     "stages/python.go: install",
		"[production] runtime packages": "internal/assemble/targets.go: installed",
		"[manifest] write":              "internal/assemble/manifest.go: layer",
		"[base] look at trixie":         "internal/base/probe.go: Probe",
	}
	everyState(t, func(t *testing.T, s llb.State) {
		def := llbtest.Marshal(t, s)
		for _, op := range llbtest.Read(t, llbtest.End{State: s}).Steps() {
			file, line := location(t, def.Source, op)
			if !strings.Contains(textAt(t, file, line), "here()") {
				t.Errorf("%q points at %s:%d, where nothing says where it is", op.Name, file, line)
			}
			if want, known := made[op.Name]; known && file+": "+functionAt(t, file, line) != want {
				t.Errorf("%q points into %s of %s, want %s", op.Name, functionAt(t, file, line), file, want)
			}
		}
	})
}

func everyState(t *testing.T, test func(*testing.T, llb.State)) {
	t.Helper()
	for name, target := range targetCases() {
		t.Run(name, func(t *testing.T) { test(t, assembled(t, target()).State) })
	}
	t.Run("probe", func(t *testing.T) { test(t, base.Probe("trixie", stagetest.Trixie().Root)) })
}

// location is the file, relative to the repository, and the line of a step. The
// text that goes along must be the file's.
func location(t *testing.T, source *pb.Source, op *llbtest.Op) (file string, line int) {
	t.Helper()
	at := source.Locations[op.Digest].GetLocations()
	if len(at) == 0 || len(at[0].Ranges) != 1 {
		t.Fatalf("%q has no location", op.Name)
	}
	info := source.Infos[at[0].SourceIndex]
	if info.Language != "Go" {
		t.Errorf("%q points at %s, want a Go file", op.Name, info.Filename)
	}
	text, err := os.ReadFile("../" + info.Filename)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(info.Data) {
		t.Errorf("%q carries another text than %s has", op.Name, info.Filename)
	}
	return info.Filename, int(at[0].Ranges[0].Start.Line)
}

func textAt(t *testing.T, file string, line int) string {
	t.Helper()
	text, err := os.ReadFile("../" + file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")[line-1]
}

func functionAt(t *testing.T, file string, line int) string {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, "../"+file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && set.Position(f.Pos()).Line <= line && line <= set.Position(f.End()).Line {
			return f.Name.Name
		}
	}
	return ""
}
