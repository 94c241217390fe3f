package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestHelpKeepsItsLines wants descriptions and examples in a command's help as
// they are written: a line that is too long would be broken where an example no
// longer runs when it is copied. Lines of all help are counted by the script
// help.txtar.
func TestHelpKeepsItsLines(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		if c.Hidden {
			continue
		}
		var help bytes.Buffer
		printHelp(&help, c.CustomHelpTemplate, c)
		shown := map[string]bool{}
		for line := range strings.Lines(help.String()) {
			shown[strings.TrimSuffix(line, "\n")] = true
		}
		for _, line := range strings.Split(c.UsageText+"\n"+c.Description, "\n") {
			if line != "" && !shown["   "+line] {
				t.Errorf("the help of %s has no line %q", c.Name, line)
			}
		}
	}
}

// TestExamplesAreCommands wants every example to be what a shell takes, so that it
// can be copied, also where it goes over several lines.
func TestExamplesAreCommands(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, c := range commands() {
		_, examples, _ := strings.Cut(c.UsageText, "EXAMPLES:\n")
		joined := strings.ReplaceAll(examples, "\\\n", "")
		for line := range strings.Lines(joined) {
			if !strings.Contains(line, "medbuild "+c.Name) {
				t.Errorf("%s: an example without the command: %q", c.Name, line)
			}
		}
		if out, err := exec.Command(bash, "-n", "-c", examples).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s%s", c.Name, err, out, examples)
		}
	}
}

func TestOptionNames(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]cli.Flag{
		"--fast                   ":                                 &cli.BoolFlag{Name: "fast"},
		"-o, --output VALUE       ":                                 &cli.StringFlag{Name: "output", Aliases: []string{"o"}},
		"-f, -y, --force          ":                                 &cli.BoolFlag{Name: "force", Aliases: []string{"f", "y"}},
		"--no-cache[=COMPONENT]   ":                                 &cli.GenericFlag{Name: "no-cache", Value: &noCacheValue{}, Usage: "all, or that of `COMPONENT`"},
		"--a-name-that-is-too-long N\n                            ": &cli.IntFlag{Name: "a-name-that-is-too-long", Usage: "`N`"},
	} {
		if got := optionNames(f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOptionAbout(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]cli.Flag{
		"hurry": &cli.BoolFlag{Name: "fast", Usage: "hurry"},
		"the PLACE (default: mars) [$GOAL, $AIM]": &cli.StringFlag{Name: "to", Value: "mars", EnvVars: []string{"GOAL", "AIM"}, Usage: "the `PLACE`"},
		"wait (default: true)":                    &cli.BoolFlag{Name: "wait", Value: true, Usage: "wait"},
		"keep TIME":                               &cli.DurationFlag{Name: "keep", Usage: "keep `TIME`"},
	} {
		if got := optionAbout(f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
