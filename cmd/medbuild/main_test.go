package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/stages/stage"

	digest "github.com/opencontainers/go-digest"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts that compare it")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"medbuild": main})
}

// TestScript runs the scenarios of every command. None needs an engine: where
// a base must be known, the script plants what a build would have kept, and
// the only engine is one that does not answer.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "facts": plantFacts, "steady": steady, "query": query,
		},
	})
}

func setup(e *testscript.Env) error {
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
	e.Setenv("BUILDKIT_HOST", "unix://"+filepath.Join(e.WorkDir, "no-engine.sock"))
	return nil
}

// exits runs a command and wants the given exit code: "exits 2 medbuild plan".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// plantFacts keeps facts of a base as a build would: "facts base.tar facts.json"
// or "facts sha256:… facts.json".
func plantFacts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: facts base|digest facts.json")
	}
	dgst := digest.Digest(args[0])
	if dgst.Validate() != nil {
		dgst = digest.FromString(ts.ReadFile(args[0]))
	}
	var facts stage.Facts
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &facts))
	facts.Digest = dgst.String()
	data, err := json.Marshal(facts)
	ts.Check(err)
	dir := filepath.Join(ts.Getenv("XDG_CACHE_HOME"), "medbuild", "bases")
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(os.WriteFile(filepath.Join(dir, base.ProbeVersion+"-"+dgst.Encoded()+".json"), data, 0o644))
}

var changing = regexp.MustCompile(`sha256:[0-9a-f]{64}|(?:stages|internal/assemble|internal/base)/[a-z0-9]+\.go:[0-9]+`)

// steady writes a command's output with digests and lines of source numbered
// as they come: "steady stdout out". Every change of a stage changes them;
// what belongs together still has one number.
func steady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: steady stdout|file out")
	}
	numbers := map[string]int{}
	text := changing.ReplaceAllStringFunc(ts.ReadFile(args[0]), func(s string) string {
		if file, _, ok := strings.Cut(s, ".go:"); ok {
			return file + ".go"
		}
		if _, ok := numbers[s]; !ok {
			numbers[s] = len(numbers) + 1
		}
		return "#" + strconv.Itoa(numbers[s])
	})
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// query wants a value in JSON: "query stdout targets.0.layers.total 6". Keys
// and indexes are joined with dots; the value is compared as JSON writes it,
// strings without quotes.
func query(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: query stdout|file path value")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for _, key := range strings.Split(args[1], ".") {
		v = within(ts, v, key)
	}
	got, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		ts.Check(err)
		got = string(data)
	}
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %s", args[1], got)
	}
}

func within(ts *testscript.TestScript, v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		if w, ok := v[key]; ok {
			return w
		}
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i < len(v) {
			return v[i]
		}
		if key == "length" {
			return len(v)
		}
	}
	ts.Fatalf("there is no %s", key)
	return nil
}
