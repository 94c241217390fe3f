package stage

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// tested runs the calls of a stage as its step does.
func tested(t *testing.T, s Stage) (outcomes []Outcome, answers map[string]string, said string) {
	t.Helper()
	dir := t.TempDir()
	script := Prepare(dir, dir+"/outcomes", dir+"/said") + LicensedScript + TestScript + s.Calls()
	said = run(script)
	data, err := os.ReadFile(filepath.Join(dir, "outcomes"))
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if outcomes, err = ParseOutcomes(data); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	answers = map[string]string{}
	for _, section := range []Section{Software, Packages} {
		if text, err := os.ReadFile(filepath.Join(dir, section.File())); err == nil {
			answers[section.File()] = string(text)
		}
	}
	return outcomes, answers, said
}

// run is what the script says; how it ends shows in what it leaves.
func run(script string) string {
	out, _ := exec.Command("/bin/sh", "-euc", script).CombinedOutput()
	return string(out)
}

// became is what the last line of a step says of the stage's commands.
func became(s Stage, said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	key, how, _ := Ended(lines[len(lines)-1])
	c, _ := s.Command(key)
	return c.Failed(how)
}

// TestCommands: the command that fails ends the others and is named; each is a
// shell of its own, in which a variable that is not set is not an error.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := Stage{Commands: []Command{{Key: "configure", Text: "cd /; echo \"$NOT_SET.\""}, {Key: "build", Text: "pwd | grep -x /; echo it\\'s\nexit 3"}, {Key: "install", Text: "echo no"}}}
	script := "cd /tmp\n" + RunScript
	for _, c := range s.Commands {
		script += c.Call()
	}
	said := run(script)
	if said != ".\nfailed: build: exit code 1\n" {
		t.Errorf("said %q", said)
	}
	if got, want := became(s, said), s.Commands[1].Text+": exit code 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if said = run(strings.Replace(script, "cd /tmp", "cd /", 1)); said != ".\n/\nit's\nfailed: build: exit code 3\n" {
		t.Errorf("said %q", said)
	}
}

// TestOthersLines: what is no such line, or names nothing of the stage, tells of no
// command.
func TestOthersLines(t *testing.T) {
	t.Parallel()
	s := Stage{Smoke: []Check{{Command: "a; b", Shown: "a"}}}
	for line, want := range map[string]string{"failed: 1: exit code 2": "a: exit code 2", "failed: 2: x": "", "failed: x": "", "failed: 0: x": "", "failed: -1: x": "",
		"failed: layer: /a is a device": "/a is a device", " failed: 1: x": "", "failed: configure: x": "", "": ""} {
		key, how, ok := Ended(line)
		c, known := s.Command(key)
		if got := c.Failed(how); (ok && known) != (want != "") || ok && known && got != want {
			t.Errorf("%q is read as %q", line, got)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	version := Question{Key: "TOOL_VERSION", Section: Software, Want: "1.2", Command: "echo tool 1.2.3; exit 4", Pattern: "^tool ([0-9.]+)$"}
	got, answers, said := tested(t, Stage{Questions: []Question{version}, Smoke: Checks("true", "sleep 0.05; echo \"it's\"\nprintf 'a\\tb\\\\'")})
	if said != "" || answers["medical-imaging-software"] != "TOOL_VERSION=1.2.3\n" {
		t.Errorf("answers %q, said %q", answers, said)
	}
	if len(got) != 3 {
		t.Fatalf("%d outcomes: %+v", len(got), got)
	}
	if got[2].Seconds < 0.05 || got[2].Seconds > 60 || got[0].Seconds < 0 {
		t.Errorf("took %v and %v seconds", got[0].Seconds, got[2].Seconds)
	}
	for i := range got {
		got[i].Seconds = 0
	}
	want := []Outcome{
		{Kind: OfQuestion, Name: "TOOL_VERSION", Command: version.Command, Exit: 4, Answer: "1.2.3", Output: "tool 1.2.3"},
		{Kind: OfCheck, Name: "1", Command: "true"},
		{Kind: OfCheck, Name: "2", Command: "sleep 0.05; echo \"it's\"\nprintf 'a\\tb\\\\'", Output: "it's\na\tb\\"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("outcomes\n%+v\nwant\n%+v", got, want)
	}
}

// TestOutcomesOfFailures: what fails is recorded too, is the last, and ends the
// step with a message.
func TestOutcomesOfFailures(t *testing.T) {
	t.Parallel()
	question := func(command string) Stage {
		return Stage{Questions: []Question{{Key: "V", Section: Software, Want: "2.5.4", Command: command, Pattern: "^v([0-9.]+)$"}}, Smoke: Checks("true")}
	}
	for _, tt := range []struct {
		stage         Stage
		problem, said string
		exit          int
	}{
		{question("echo v2.4"), "echo v2.4 answers version 2.4, components.toml has 2.5.4", "v2.4\nfailed: V: answers version 2.4, components.toml has 2.5.4\n", 0},
		{question("echo no; exit 9"), "echo no; exit 9 does not answer with a version (exit code 9)", "no\nfailed: V: does not answer with a version (exit code 9)\n", 9},
		{Stage{Smoke: Checks("echo no >&2; exit 7", "true")}, "exit code 7", "no\nfailed: 1: exit code 7\n", 7},
	} {
		got, answers, said := tested(t, tt.stage)
		if len(got) != 1 || got[0].Passed() || got[0].Problem != tt.problem || got[0].Exit != tt.exit {
			t.Errorf("outcomes %+v, want one of %q with %d", got, tt.problem, tt.exit)
		}
		if said != tt.said || len(answers) > 0 {
			t.Errorf("said %q, want %q; answers %q", said, tt.said, answers)
		}
		if why := became(tt.stage, said); why != tt.problem && why != got[0].Command+": "+tt.problem {
			t.Errorf("the step's last line is read as %q", why)
		}
	}
}

// TestOutcomesKeepTheEnd: whatever a command writes, its outcome can be read, and
// has no more than its end.
func TestOutcomesKeepTheEnd(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		`printf '\001\033[1mbold\033[0m\177\000\r\n'`: "[1mbold[0m",
		`printf 'caf\303\251 \377\n'`:                 "café \ufffd",
		`seq 100`:                                     "81\n82\n83\n84\n85\n86\n87\n88\n89\n90\n91\n92\n93\n94\n95\n96\n97\n98\n99\n100",
		`printf '%9000s' x`:                           strings.Repeat(" ", 3999) + "x",
		`printf '"},{"kind":"check","name":"9"}\n%%s $HOME \\n'`: `"},{"kind":"check","name":"9"}` + "\n%s $HOME \\n",
		`:`: "",
	} {
		got, _, said := tested(t, Stage{Smoke: Checks(command)})
		if len(got) != 1 || got[0].Output != want {
			t.Errorf("%s: outcomes %+v, want %q (%s)", command, got, want, said)
		}
	}
}

func TestParseOutcomesRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "{}", `{"kind":"check"}`, `{"kind":"other","name":"1"}`, `{"kind":"check","name":"1"`, "{\"kind\":\"check\",\"name\":\"1\"}\n\n",
		strings.Repeat("{\"kind\":\"check\",\"name\":\"1\"}\n", 200_000)} {
		if got, err := ParseOutcomes([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// FuzzParseOutcomes: what can be read says the same when it is written and read
// again.
func FuzzParseOutcomes(f *testing.F) {
	f.Add([]byte(`{"kind":"question","name":"V","command":"v","exit":1,"seconds":0.012,"answer":"1","problem":"","output":"a\nb"}` + "\n"))
	f.Add([]byte("{\"kind\":\"check\",\"name\":\"1\",\"output\":\"\xff\"}\n{\"kind\":\"check\",\"name\":\"2\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := ParseOutcomes(data)
		if err != nil {
			return
		}
		var again []byte
		for _, o := range first {
			line, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			again = append(append(again, line...), '\n')
		}
		second, err := ParseOutcomes(again)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%q is read as %+v, and then as %+v (%v)", data, first, second, err)
		}
	})
}
