package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/urfave/cli/v2"
)

const completionExamples = `source <(medbuild completion bash)
   medbuild completion bash \
     >~/.local/share/bash-completion/completions/medbuild
   medbuild completion zsh >"${fpath[1]}/_medbuild"
   medbuild completion fish >~/.config/fish/completions/medbuild.fish`

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a shell completion script: bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		UsageText: "medbuild completion bash|zsh|fish\n\nEXAMPLES:\n   " + completionExamples,
		Description: "Completes commands, options and their values. The names of targets and\n" +
			"components are those of components.toml, or of the file given with --file.",
		Action: func(c *cli.Context) error { return runCompletion(readOptions(c), c.App.Writer) },
	}
}

func runCompletion(o options, w io.Writer) error {
	const hint = "shells are bash, zsh and fish"
	if len(o.args) != 1 {
		return problem.Usagef("completion takes one shell, got %d", len(o.args)).Hint(hint)
	}
	script := completionScript(o.args[0])
	if script == "" {
		return problem.Usagef("no completion for shell %q", o.args[0]).Hint(hint)
	}
	_, err := io.WriteString(w, script)
	return err
}

// completeCommand answers the shells' scripts: the words of a command line in,
// the last as far as it is typed; out come a candidate and what it means on
// each line, or wantFiles alone.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name:            completeName,
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			for _, w := range complete(c.App, c.Args().Slice()) {
				fmt.Fprintln(c.App.Writer, strings.TrimRight(w.text+"\t"+w.about, "\t"))
			}
			return nil
		},
	}
}

// wantFiles asks the shell to complete names of files itself.
const wantFiles = ":files"

// candidate is a word that can stand at the end of a command line.
type candidate struct{ text, about string }

// complete is the candidates for the last word of a line, which has the words
// after the program's name.
func complete(app *cli.App, all []string) []candidate {
	if len(all) == 0 {
		all = []string{""}
	}
	last, before := all[len(all)-1], all[:len(all)-1]
	if len(before) == 0 {
		return starting(last, append(commandNames(app), ownFlags(last)...))
	}
	command := app.Command(before[0])
	if command == nil {
		return nil
	}
	line := typed{command: command, words: before[1:]}
	if slices.Contains(line.words, "--") { // a command of the image's follows
		return words(wantFiles)
	}
	if name, value, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "--") {
		return prefixed(name+"=", starting(value, line.values(line.flag(name))))
	}
	if f := line.open(); f != nil {
		return starting(last, line.values(f))
	}
	if strings.HasPrefix(last, "-") {
		return starting(last, line.flags())
	}
	return starting(last, line.arguments())
}

// ownFlags are those that stand before a command, once the word begins as they do.
func ownFlags(last string) []candidate {
	if !strings.HasPrefix(last, "-") {
		return nil
	}
	return []candidate{{"--help", "show help"}, {"--version", "print the version"}}
}

func commandNames(app *cli.App) []candidate {
	var out []candidate
	for _, c := range app.Commands {
		if !c.Hidden {
			out = append(out, candidate{c.Name, c.Usage})
		}
	}
	return out
}

func starting(with string, all []candidate) []candidate {
	return slices.DeleteFunc(all, func(c candidate) bool {
		return c.text != wantFiles && !strings.HasPrefix(c.text, with)
	})
}

func prefixed(with string, all []candidate) []candidate {
	for i := range all {
		if all[i].text != wantFiles {
			all[i].text = with + all[i].text
		}
	}
	return all
}

// typed is the words after a command, without the last.
type typed struct {
	command *cli.Command
	words   []string
}

// flag is the command's flag that a word names, nil when there is none.
func (t typed) flag(word string) cli.Flag {
	name := strings.TrimLeft(word, "-")
	for _, f := range t.command.Flags {
		if strings.HasPrefix(word, "-") && slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// open is the flag whose value comes next, nil when none waits for one.
func (t typed) open() cli.Flag {
	if len(t.words) == 0 {
		return nil
	}
	f := t.flag(t.words[len(t.words)-1])
	if f == nil || !takesValue(f) {
		return nil
	}
	return f
}

func takesValue(f cli.Flag) bool {
	if g, ok := f.(*cli.GenericFlag); ok {
		b, ok := g.Value.(interface{ IsBoolFlag() bool })
		return !ok || !b.IsBoolFlag()
	}
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func (t typed) flags() []candidate {
	var out []candidate
	for _, f := range t.command.Flags {
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about, _, _ := strings.Cut(strings.ReplaceAll(d.GetUsage(), "`", ""), "\n")
			out = append(out, candidate{"--" + f.Names()[0], about})
		}
	}
	return append(out, candidate{"--help", "show help"})
}

// arguments is what can stand where no flag does.
func (t typed) arguments() []candidate {
	switch t.command.Name {
	case "completion":
		return words("bash", "zsh", "fish")
	case "init":
		return words(wantFiles)
	}
	return nil
}

// values is what a flag can have.
func (t typed) values(f cli.Flag) []candidate {
	if f == nil {
		return nil
	}
	switch f.Names()[0] {
	case "target":
		return append(t.targets(), t.components("")...)
	case "no-cache":
		return append(t.components(""), candidate{"all", "every step"})
	case "set":
		return t.components(".")
	case "progress":
		return words("auto", "tty", "plain", "rawjson", "quiet")
	case "format":
		return words(formats(t.command.Name)...)
	case "output":
		return words("type=oci,dest=", "type=docker", "type=local,dest=", "type=tar,dest=", "type=image")
	case "engine":
		return words("child", "docker", "tcp://", "unix://")
	case "filter":
		return t.filters()
	case "platform":
		return words(onlyPlatform)
	}
	if namesFile(f) {
		return words(wantFiles)
	}
	return nil
}

// namesFile reports whether a flag's value is a file or a folder, by what its
// sentence calls it.
func namesFile(f cli.Flag) bool {
	return slices.Contains([]string{"FILE", "PATH", "FOLDER", "DIR"}, optionWord(f))
}

// filters are those that an engine knows; prune alone has a time.
func (t typed) filters() []candidate {
	all := words("type=", "id=", "description=", "shared", "private")
	if t.command.Name == "prune" {
		return append(all, candidate{text: "until="})
	}
	return all
}

func words(all ...string) []candidate {
	var out []candidate
	for _, w := range all {
		out = append(out, candidate{text: w})
	}
	return out
}

// project is that of the command line. One that cannot be read has nothing to
// complete.
func (t typed) project() *project.Project {
	name := "components.toml"
	for i, w := range t.words {
		key, value, joined := strings.Cut(w, "=")
		switch {
		case key != "-f" && key != "--file":
		case joined:
			name = value
		case i+1 < len(t.words):
			name = t.words[i+1]
		}
	}
	p, err := project.Open(name, nil, string(filepath.Separator)) // nothing of what it names is shown
	if err != nil {
		return &project.Project{}
	}
	return p
}

func (t typed) targets() []candidate {
	var out []candidate
	for _, target := range t.project().Targets {
		about := "target:"
		for _, c := range target.Components {
			about += " " + c.Name()
		}
		out = append(out, candidate{target.Name, about})
	}
	return out
}

func (t typed) components(suffix string) []candidate {
	var out []candidate
	for _, component := range t.project().Components {
		c := component.Tool.Shared()
		out = append(out, candidate{c.Name + suffix, "component: " + c.Stage + " " + c.Version})
	}
	return out
}
