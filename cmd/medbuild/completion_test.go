package main

import (
	"regexp"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestEveryOptionIsCompleted: whatever commands and options there are, their
// names are candidates, and names of files where an option's sentence has one.
func TestEveryOptionIsCompleted(t *testing.T) {
	a, tried := app(), 0
	for _, c := range a.Commands {
		if c.Hidden {
			continue
		}
		if !offers(a, c.Name, c.Name) {
			t.Errorf("%s is no candidate", c.Name)
		}
		for _, f := range c.Flags {
			name := "--" + f.Names()[0]
			if !offers(a, name, c.Name, name) {
				t.Errorf("%s %s is no candidate", c.Name, name)
			}
			if aFile.MatchString(f.(cli.DocGenerationFlag).GetUsage()) {
				tried++
				if !offers(a, wantFiles, c.Name, name, "") || !offers(a, wantFiles, c.Name, name+"=") {
					t.Errorf("%s %s completes no files", c.Name, name)
				}
			}
		}
	}
	if tried < 5 {
		t.Errorf("only %d options name files", tried)
	}
}

var aFile = regexp.MustCompile("`(FILE|PATH|FOLDER|DIR)`")

func offers(a *cli.App, want string, words ...string) bool {
	return slices.ContainsFunc(complete(a, words), func(c candidate) bool { return c.text == want })
}

// TestOptionsOfNoCommandAreCompleted: those of medbuild alone.
func TestOptionsOfNoCommandAreCompleted(t *testing.T) {
	if !offers(app(), "--version", "--v") || !offers(app(), "--help", "-") || offers(app(), "--version", "") {
		t.Errorf("candidates %q", complete(app(), []string{"--"}))
	}
}
