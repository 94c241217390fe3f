package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

const (
	// helpWidth is how long a line of help is at most, in columns.
	helpWidth = 80
	// aboutColumn is where what an option means begins, in columns from the left.
	aboutColumn = 28
)

// optionsHelp is the rows of a template's options. The library's own stand in
// one row each, as long as names and text together, and repeat the name of an
// option that may be given several times.
const optionsHelp = `{{range .VisibleFlags}}
   {{names .}}{{wrap (about .) aboutColumn}}{{end}}
`

// commandHelp and appHelp are the library's templates with rows of options that
// can be wrapped.
const commandHelp = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{template "usageTemplate" .}}

DESCRIPTION:
   {{template "descriptionTemplate" .}}

OPTIONS:` + optionsHelp

const appHelp = `NAME:
   {{template "helpNameTemplate" .}}

USAGE:
   {{.HelpName}} command [options]{{template "versionTemplate" .}}

COMMANDS:{{template "visibleCommandCategoryTemplate" .}}

OPTIONS:` + optionsHelp

// printHelp is a cli.HelpPrinter that wraps what is longer than a line, and has
// what the templates above call.
func printHelp(w io.Writer, template string, data any) {
	cli.HelpPrinterCustom(w, template, data, map[string]any{
		"wrapAt":      func() int { return helpWidth },
		"names":       optionNames,
		"about":       optionAbout,
		"aboutColumn": func() int { return aboutColumn },
	})
}

// optionNames is an option's names, the short ones first, up to the column where
// its text begins: in the next line when they are too long.
func optionNames(f cli.Flag) string {
	const room = aboutColumn - 3 // the indent
	var short, long []string
	for _, n := range f.Names() {
		if len(n) == 1 {
			short = append(short, "-"+n)
		} else {
			long = append(long, "--"+n)
		}
	}
	names := strings.Join(append(short, long...), ", ") + optionValue(f)
	if len(names)+2 > room {
		return names + "\n" + strings.Repeat(" ", aboutColumn)
	}
	return names + strings.Repeat(" ", room-len(names))
}

// optionValue is what follows an option's name: the word that its text has in
// backquotes, in brackets when the option may stand without it, "" when nothing
// follows.
func optionValue(f cli.Flag) string {
	name := optionWord(f)
	switch {
	case !takesValue(f) && name != "":
		return "[=" + name + "]"
	case !takesValue(f):
		return ""
	case name == "":
		return " VALUE"
	}
	return " " + name
}

// optionWord is the word that an option's text has in backquotes, or "".
func optionWord(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	_, rest, _ := strings.Cut(d.GetUsage(), "`")
	name, _, _ := strings.Cut(rest, "`")
	return name
}

// optionAbout is what an option means, its default and the variables of the
// environment that set it.
func optionAbout(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	about := strings.ReplaceAll(d.GetUsage(), "`", "")
	if text := optionDefault(d); text != "" {
		about += " (default: " + text + ")"
	}
	if env := d.GetEnvVars(); len(env) > 0 {
		about += " [$" + strings.Join(env, ", $") + "]"
	}
	return about
}

// optionDefault is what an option is when it is left out; off and empty go
// without saying.
func optionDefault(d cli.DocGenerationFlag) string {
	text := strings.Trim(d.GetDefaultText(), `"`)
	if text == "false" || text == "0" || text == "0s" {
		return ""
	}
	return text
}
