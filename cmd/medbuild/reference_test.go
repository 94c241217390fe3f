package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// referenceFolder has a page for each command, made from its definition.
const referenceFolder = "../../docs/reference"

// TestReference wants the pages of docs/reference to say what the commands are.
// With the flag -update they are written instead.
func TestReference(t *testing.T) {
	pages := referencePages(commands())
	if *update {
		writeReference(t, pages)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(referenceFolder, name))
		if err != nil {
			t.Error(err)
		}
		if string(got) != want {
			t.Errorf("%s is not current\nhint: go test ./cmd/medbuild -run Reference -update renews it", name)
		}
	}
	for _, name := range referenceFiles(t) {
		if pages[name] == "" {
			t.Errorf("%s is the page of no command", name)
		}
	}
}

// TestReferenceLinked wants a link to each page from the table of commands in
// the README.
func TestReferenceLinked(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range referencePages(commands()) {
		if !bytes.Contains(readme, []byte("(docs/reference/"+name+")")) {
			t.Errorf("README.md has no link to docs/reference/%s", name)
		}
	}
}

func TestReferencePage(t *testing.T) {
	c := &cli.Command{Name: "fly", Usage: "leave the ground",
		UsageText:   "medbuild fly [options]\n\nEXAMPLES:\n   medbuild fly --to moon\n   medbuild fly",
		Description: "Takes off.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Aliases: []string{"t"}, Value: "mars", EnvVars: []string{"GOAL", "AIM"}, Usage: "`PLACE` or a|b"},
			&cli.StringSliceFlag{Name: "via"},
			&cli.BoolFlag{Name: "fast", Usage: "hurry"},
			&cli.BoolFlag{Name: "slow", Value: true},
			&cli.StringFlag{Name: "secret", Hidden: true},
		}}
	got := page("fly", c)
	for _, want := range []string{
		"# medbuild fly\n\nLeave the ground.\n\n```\nmedbuild fly [options]\n```\n\nTakes off.\n",
		"| `--to PLACE`, `-t PLACE` | `PLACE` or a\\|b. Default: `mars`. Environment: `GOAL`, `AIM`. |\n",
		"| `--via VALUE` |  |\n", "| `--fast` | hurry. |\n", "| `--slow` |  Default: `true`. |\n",
		"```sh\nmedbuild fly --to moon\nmedbuild fly\n```\n", "| 2 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "secret") {
		t.Error("the page has a hidden option")
	}
}

func writeReference(t *testing.T, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(referenceFolder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(referenceFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(referenceFolder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func referenceFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(referenceFolder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// referencePages are the pages of the commands that are not hidden, by name of
// file.
func referencePages(all []*cli.Command, above ...string) map[string]string {
	pages := map[string]string{}
	for _, c := range all {
		if c.Hidden {
			continue
		}
		path := append(slices.Clip(above), c.Name)
		pages[strings.Join(path, "-")+".md"] = page(strings.Join(path, " "), c)
		for name, text := range referencePages(c.Subcommands, path...) {
			pages[name] = text
		}
	}
	return pages
}

func page(name string, c *cli.Command) string {
	usage, examples, _ := strings.Cut(c.UsageText, "\n\nEXAMPLES:\n")
	var b strings.Builder
	fmt.Fprintln(&b, "<!-- Made from the command's definition by go test ./cmd/medbuild -run Reference -update -->")
	fmt.Fprintf(&b, "# medbuild %s\n\n%s\n\n", name, sentence(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
	fmt.Fprintf(&b, "```\n%s\n```\n\n%s\n", usage, c.Description)
	fmt.Fprint(&b, "\n## Options\n\n| option | meaning |\n| --- | --- |\n")
	for _, f := range append(slices.Clip(c.Flags), &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help"}) {
		b.WriteString(optionRow(f))
	}
	fmt.Fprintf(&b, "\n## Examples\n\n```sh\n%s\n```\n\n## Exit codes\n\n%s", outdent(examples), exitCodes(name))
	return b.String()
}

// optionRow is an option's row of the table, "" for a hidden one.
func optionRow(f cli.Flag) string {
	if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
		return ""
	}
	d := f.(cli.DocGenerationFlag) // every flag of the library is one
	about := sentence(d.GetUsage()) + defaultOf(d)
	if env := d.GetEnvVars(); len(env) > 0 {
		about += " Environment: " + code(env...) + "."
	}
	return fmt.Sprintf("| %s | %s |\n", code(spellings(f)...), strings.ReplaceAll(strings.ReplaceAll(about, "|", `\|`), "\n", " "))
}

// spellings are an option's names with what follows them.
func spellings(f cli.Flag) []string {
	var out []string
	for _, n := range f.Names() {
		dashes := "--"
		if len(n) == 1 {
			dashes = "-"
		}
		out = append(out, dashes+n+optionValue(f))
	}
	return out
}

// defaultOf says what an option is when it is left out.
func defaultOf(d cli.DocGenerationFlag) string {
	text := optionDefault(d)
	if text == "" {
		return ""
	}
	return " Default: " + code(text) + "."
}

func code(all ...string) string { return "`" + strings.Join(all, "`, `") + "`" }

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.TrimSuffix(s, ".") + "."
}

func outdent(s string) string { return strings.ReplaceAll(strings.TrimLeft(s, " "), "\n   ", "\n") }

// exitCodes are those of problem.ExitCode.
func exitCodes(command string) string {
	table := "| code | meaning |\n| --- | --- |\n| 0 | done |\n| 1 | something failed or was refused |\n| 2 | the command line is wrong; nothing was done |\n"
	if slices.Contains([]string{"build", "plan", "run"}, command) {
		table += "| 75 | the engine, or a server that sources come from or images go to, has a problem: trying again may help |\n"
	}
	table += "| 130 | interrupted |\n"
	if command == "run" {
		return table + "| other | that of the command that was run |\n\nA command that was run can end with 1, 2, 75 or 130 itself.\n"
	}
	return table
}
