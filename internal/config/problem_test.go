package config

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/pelletier/go-toml/v2/unstable"
)

// loadText loads a file with that text.
func loadText(text string, set ...string) error {
	_, err := LoadFS(fstest.MapFS{"a.toml": {Data: []byte(text)}}, "a.toml", set)
	return err
}

const image = "image = { name = \"a\", version = \"1\" }\n"

// What is wrong with overrides alone is wrong with the command line.
func TestClass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		set  []string
		want problem.Class
	}{
		{image, []string{"image.x=1"}, problem.Usage},
		{image, []string{"image.x=1", "image.name=A b"}, problem.Usage},
		{image + "x = 1", nil, problem.Refused},
		{"x", []string{"image.x=1"}, problem.Refused},
		{image + "x = 1", []string{"image.x=1"}, problem.Failed},
	} {
		if err := loadText(tt.text, tt.set...); err == nil || problem.ClassOf(err) != tt.want {
			t.Errorf("%q with %q: class %d of %v, want %d", tt.text, tt.set, problem.ClassOf(err), err, tt.want)
		}
	}
}

// What lies behind a problem is there to be asked.
func TestCauses(t *testing.T) {
	t.Parallel()
	if err := loadText("a = 2024-13-01"); !errors.As(err, new(toml.ParseError)) {
		t.Errorf("%v: no error of the decoder", err)
	}
	if err := loadText("a ="); !errors.As(err, new(*unstable.ParserError)) {
		t.Errorf("%v: no error of the parser", err)
	}
	for _, text := range []string{
		"[components.python]\nversion = '3.12'\nrequirements = 'x'",
		"[bases.a]\nimage = 'x'\n[targets.a]\nbase = 'a'\nosparc = 'x'",
	} {
		if err := loadText(image + text); err == nil || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v: no error of the file system", text, err)
		}
	}
	if _, err := Load("nowhere.toml", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: no error of the file system", err)
	}
}

// Errors that a check joins are problems of their own, each said once.
func TestJoinedErrors(t *testing.T) {
	t.Parallel()
	var p problems
	at := problem.Position{File: "f", Line: 2, Col: 1}
	for range 2 {
		p.addError(at, "tool", errors.Join(problem.Refusedf("a").Hint("mend a"), problem.Refusedf("b").Hint("mend b")))
	}
	p.add(problem.Position{File: "f", Line: 1, Col: 1}, "first", "", "a hint")
	want := "f:1:1: first\nhint: a hint\nf:2:1: tool: a\nhint: mend a\nf:2:1: tool: b\nhint: mend b"
	if got := problem.Text(p.err()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNoProblems(t *testing.T) {
	t.Parallel()
	if err := (problems{}).err(); err != nil {
		t.Error(err)
	}
}
