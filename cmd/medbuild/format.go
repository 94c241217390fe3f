package main

import (
	"slices"
	"strings"

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
func checkLine(c *cli.Context) error {
	all, format := formats(c.Command.Name), c.String("format")
	switch {
	case c.NArg() > 0:
		return usagef("%s takes no arguments, got %q\nhint: medbuild %s --help shows the options", c.Command.Name, c.Args().First(), c.Command.Name)
	case len(all) > 0 && !slices.Contains(all, format):
		return usagef("--format %q is unknown\nhint: --format takes %s", format, either(all))
	}
	return checkEngine(c)
}

// either is "a, b or c".
func either(all []string) string {
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
