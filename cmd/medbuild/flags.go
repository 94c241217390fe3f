package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/urfave/cli/v2"
)

// options are the values of the flags that commands share, those of other
// commands left empty. What a command does takes them, never the command line.
type options struct {
	command       string // its name
	args          []string
	format        string
	file          string
	set           []string
	allowFiles    []string
	engine        engine.Options // address and TLS
	platform      string
	progress      string
	jobs          int
	mirrors       []string
	allowUnpinned bool
	debug         bool
	screen        io.Writer // for progress and notices
}

func readOptions(c *cli.Context) options {
	return options{
		command: c.Command.Name, args: c.Args().Slice(), format: c.String("format"),
		file: c.Path("file"), set: c.StringSlice("set"), allowFiles: c.StringSlice("allow-files"),
		engine: readEngine(c), platform: c.String("platform"), progress: c.String("progress"), jobs: c.Int("jobs"),
		mirrors: c.StringSlice("mirror"), allowUnpinned: c.Bool("allow-unpinned"), debug: c.Bool("debug"), screen: os.Stderr,
	}
}

// opened reads the project, and says what the overrides changed beside what they state.
func (o options) opened() (*project.Project, error) {
	site, err := o.network()
	if err != nil {
		return nil, err
	}
	p, err := o.read(append(o.allowed(), site.Files.Allow...))
	if say := o.say(); err == nil && say != nil {
		for _, n := range p.Notes {
			say("note: " + n)
		}
	}
	return p, err
}

// fromStdin is the file that is standard input.
const fromStdin = "-"

func (o options) read(allowed []string) (*project.Project, error) {
	if o.file == fromStdin {
		return project.OpenText(os.Stdin, o.set, allowed...)
	}
	return project.Open(o.file, o.set, allowed...)
}

// allowed is the folders of --allow-files. Several in one value have between them
// what PATH has.
func (o options) allowed() []string {
	var out []string
	for _, list := range o.allowFiles {
		out = append(out, filepath.SplitList(list)...)
	}
	return out
}

// say prints notices; nil when the user wants quiet or machine-readable output.
func (o options) say() func(string) {
	if o.progress == "quiet" || o.progress == "rawjson" {
		return nil
	}
	return func(s string) { fmt.Fprintln(o.screen, s) }
}

// checkPlatform refuses what no stage can build: the tools are compiled, or
// come compiled, for 64-bit x86.
func (o options) checkPlatform() error {
	if o.platform != onlyPlatform {
		return problem.Usagef("--platform %s: only %s is supported", o.platform, onlyPlatform)
	}
	return nil
}

func (o options) checkJobs() error {
	if o.jobs < 0 {
		return problem.Usagef("--jobs %d: the number of jobs must be 1 or more", o.jobs)
	}
	return nil
}

// checkEngine refuses what names no engine, before one is looked for.
func (o options) checkEngine() error {
	return problem.As(problem.Usage, o.engine.Check())
}

// Flags that several commands share. Each call makes a new one: a flag keeps
// the value of its command.

func fileFlag() cli.Flag {
	return &cli.PathFlag{Name: "file", Aliases: []string{"f"}, Value: "components.toml", Usage: "read the components from `FILE`; - is standard input"}
}

func allowFilesFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "allow-files", EnvVars: []string{"MEDBUILD_ALLOW_FILES"}, Usage: "let FILE refer to files below `DIR`, outside its own repository; may be repeated"}
}

func targetFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "target", Usage: "`NAME` of a target, or of a single component; may be repeated"}
}

func setFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "set", Usage: "override a value for this run: `KEY=VALUE`, such as mrtrix3.version=3.0.8; may be repeated"}
}

// onlyPlatform is the platform that the stages build for.
const onlyPlatform = "linux/amd64"

func platformFlag() cli.Flag {
	return &cli.StringFlag{Name: "platform", Value: onlyPlatform, Usage: "platform of the image, as `OS/ARCH`; only linux/amd64 is supported"}
}

func progressFlag() cli.Flag {
	return &cli.StringFlag{Name: "progress", Value: "auto", EnvVars: []string{"BUILDKIT_PROGRESS"}, Usage: "`TYPE` of progress output: auto, tty, plain, rawjson or quiet"}
}

func mirrorFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "mirror", Usage: "`FROM=TO`: fetch what begins with FROM from the mirror TO; asked before the mirrors of the site file; may be repeated, the preferred first"}
}

func allowUnpinnedFlag() cli.Flag {
	return &cli.BoolFlag{Name: "allow-unpinned", Usage: "accept sources and base images without a checksum, commit or digest, as they are today"}
}

func debugFlag() cli.Flag {
	return &cli.BoolFlag{Name: "debug", Usage: "show the line of medbuild's source code that made a step"}
}

func jobsFlag() cli.Flag {
	return &cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run up to `N` compile jobs in parallel; the default is one per core of the engine"}
}

func secretFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "secret", Usage: "pass a `SECRET` to the components that ask for it: id=ID[,src=PATH|env=NAME]; may be repeated"}
}
