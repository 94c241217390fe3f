package main

import (
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/urfave/cli/v2"
)

// formats are the values of a command's --format, its default first.
func formats(command string) []string {
	switch command {
	case "plan":
		return []string{"text", "json", "dot", "mermaid"}
	case "stages", "du":
		return []string{"table", "json"}
	case "version":
		return []string{"text", "json"}
	}
	return nil
}

func formatFlag(command string) cli.Flag {
	all := formats(command)
	return &cli.StringFlag{Name: "format", Value: all[0], Usage: "`FORMAT` of what is printed: " + either(all)}
}

// checkLine refuses arguments that are no options, formats that the command
// does not have, and what names no engine.
func (o options) checkLine() error {
	all := formats(o.command)
	switch {
	case len(o.args) > 0:
		return problem.Usagef("%s takes no arguments, got %q", o.command, o.args[0]).Hint("medbuild %s --help shows the options", o.command)
	case len(all) > 0 && !slices.Contains(all, o.format):
		return problem.Usagef("--format %q is unknown", o.format).Hint("--format takes %s", either(all))
	}
	return o.checkEngine()
}

// either is "a, b or c".
func either(all []string) string {
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
