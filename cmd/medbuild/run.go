package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/containerd/console"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/project"
	command "github.com/medbuild/medbuild/internal/run"
	"github.com/medbuild/medbuild/internal/site"
	"github.com/urfave/cli/v2"
)

const runExamples = `medbuild run --target production -- mrinfo -version
   medbuild run --target production  # the image's own command
   medbuild run --target production -v $PWD/bids:/data:ro -v $PWD/out:/out \
     -w /out -- dwidenoise /data/dwi.mif dwi.mif
   gzip -dc dwi.nii.gz | medbuild run --target production -- wc -c
   medbuild run --target python --set python.version=3.13 \
     --entrypoint "" -- python3`

const runDescription = `Builds the target unless it is in the cache, and runs a command in a new
container on the engine. The container is removed afterwards; the exit code
is that of the command.

The engine may be another machine, so a folder given with --volume is copied
to it, and the command's changes are copied back when the command ends. Until
then nothing changes here. A file that the command removed is removed here
too, unless it was changed here in the meantime. With :ro nothing is copied
back; without it the image must have the program tar.

On a terminal the command gets a terminal of its own. Otherwise an interrupt
is passed on to the command, and it is killed if it does not end within a
second.

Short options have the meaning that docker run gives them: -t is --tty. The
target is named with --target only.`

func runCommand() *cli.Command {
	return &cli.Command{
		Name:        "run",
		Usage:       "run a command in the image of a target",
		UsageText:   "medbuild run [options] [--] [COMMAND [ARGUMENT...]]\n\nEXAMPLES:\n   " + runExamples,
		Description: runDescription,
		Flags: withEngine(
			fileFlag(), allowFilesFlag(), setFlag(), platformFlag(), progressFlag(), jobsFlag(), secretFlag(), mirrorFlag(), allowUnpinnedFlag(), debugFlag(),
			&cli.StringFlag{Name: "target", Usage: "`NAME` of a target, or of a single component"},
			&cli.StringSliceFlag{Name: "volume", Aliases: []string{"v"}, Usage: "make a folder available to the command: `HOST:CONTAINER[:ro]`; it is copied, not mounted; may be repeated"},
			&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "run in the folder `WORKDIR` of the container"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set an environment variable: `KEY=VALUE`, or KEY to pass on its value here; may be repeated"},
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `USER[:GROUP]`, names or numeric IDs"},
			&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Value: true, Usage: "pass standard input on to the command"},
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "allocate a terminal for the command; the default if standard input and output are terminals"},
			&cli.StringFlag{Name: "entrypoint", Usage: "run `PROGRAM` in place of the image's entrypoint; \"\" for none"},
		),
		Action: func(c *cli.Context) error { return runRun(c.Context, readRun(c)) },
	}
}

// exitStatus is the exit code of a command that was run. The command has said
// why itself.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// runFlags are the flags of medbuild run.
type runFlags struct {
	options
	targets     []string // one, or none
	secrets     []string
	volumes     []string
	command     command.Command
	interactive bool
	tty         *bool // nil when it is not said
}

func readRun(c *cli.Context) runFlags {
	f := runFlags{options: readOptions(c), secrets: c.StringSlice("secret"), volumes: c.StringSlice("volume"), interactive: c.Bool("interactive"),
		command: command.Command{Args: c.Args().Slice(), Env: environment(c.StringSlice("env")), WorkingDir: c.String("workdir"), User: c.String("user")}}
	if name := c.String("target"); name != "" {
		f.targets = []string{name}
	}
	if c.IsSet("entrypoint") {
		f.command.Entrypoint = new(c.String("entrypoint"))
	}
	if c.IsSet("tty") {
		f.tty = new(c.Bool("tty"))
	}
	if !c.IsSet("progress") {
		f.screen = held()
	}
	if f.file == fromStdin { // which is at its end then
		f.interactive = false
	}
	return f
}

func runRun(ctx context.Context, f runFlags) error {
	j, err := await(ctx, f.job)
	if err != nil {
		return err
	}
	s, err := f.open(ctx, j.project.Dir(), j.secrets)
	if err != nil {
		return err
	}
	defer s.close()
	images, err := f.assemble(ctx, s, j.project, j.targets, nil)
	if err != nil {
		return err
	}
	f.command.Image, f.command.Mounts = images[0].Image, j.mounts
	prepared, err := command.Prepare(ctx, s.solve, s.engine.Client, f.command)
	if err != nil {
		return err
	}
	if err := s.progress(); err != nil {
		return err
	}
	return inTerminal(ctx, prepared, f.interactive, j.tty)
}

// job is a run as the command line states it, checked before an engine is
// looked for.
type job struct {
	project *project.Project
	targets []project.Target // one
	mounts  []command.Mount
	secrets map[string][]byte
	tty     bool
}

func (f runFlags) job() (job, error) {
	var j job
	if err := f.checkPlatform(); err != nil {
		return j, err
	}
	if err := errors.Join(f.checkEngine(), f.checkJobs()); err != nil {
		return j, err
	}
	var err error
	if j.project, err = f.opened(); err != nil {
		return j, err
	}
	if j.targets, err = j.project.Select(f.targets); err != nil {
		return j, err
	}
	if err := f.read(&j); err != nil {
		return j, problem.As(problem.Usage, err)
	}
	return j, f.refused(j.project, j.targets)
}

// read takes what the flags say of the command.
func (f runFlags) read(j *job) (err error) {
	for _, v := range f.volumes {
		m, err := command.ParseMount(v)
		if err != nil {
			return err
		}
		j.mounts = append(j.mounts, m)
	}
	if j.tty, err = f.wantsTTY(); err != nil {
		return err
	}
	if j.secrets, err = site.ParseSecrets(f.secrets, os.Getenv); err != nil {
		return err
	}
	return project.CheckSecrets(j.targets, j.secrets)
}

// environment gives "KEY" the value it has here; without one it is left out.
func environment(given []string) []string {
	var out []string
	for _, e := range given {
		if !strings.Contains(e, "=") {
			v, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + v
		}
		out = append(out, e)
	}
	return out
}

func (f runFlags) wantsTTY() (bool, error) {
	if f.tty == nil {
		return f.interactive && isTerminal(os.Stdin) && isTerminal(os.Stdout), nil
	}
	if *f.tty && f.interactive && !isTerminal(os.Stdin) {
		return false, problem.Usagef("--tty: standard input is not a terminal").Hint("leave --tty out, or add --interactive=false")
	}
	return *f.tty, nil
}

func isTerminal(f *os.File) bool {
	_, err := console.ConsoleFromFile(f)
	return err == nil
}

// inTerminal runs the command with this process's own streams and signals.
func inTerminal(ctx context.Context, p *command.Prepared, input, tty bool) error {
	signals := make(chan os.Signal, 8)
	ctx, handOver := detach(ctx, signals)
	defer signal.Stop(signals)
	t := newTerminal(tty)
	defer t.close()
	std := command.Stdio{Stdout: keep{os.Stdout}, Stderr: keep{os.Stderr}, TTY: tty, Signals: signals, Resize: t.size}
	if input {
		std.Stdin = os.Stdin
	}
	std.Starting = func() error {
		if err := handOver(); err != nil || !tty {
			return err
		}
		return t.raw(input)
	}
	return ended(p.Run(ctx, std))
}

// brokenPipe is the exit code of a program whose reader has gone, as shells
// report it.
const brokenPipe = 128 + int(syscall.SIGPIPE)

// ended is how a command ended, for the exit code of this process. That its
// reader has gone is no news for whoever sent it away.
func ended(code int, err error) error {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return exitStatus(brokenPipe)
	case err == nil && code != 0:
		return exitStatus(code)
	}
	return err
}

// keep is a stream that outlives the command.
type keep struct{ *os.File }

// Close leaves the stream open.
func (keep) Close() error { return nil }
