package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	command "github.com/medbuild/medbuild/internal/run"
	"github.com/medbuild/medbuild/internal/site"

	"github.com/containerd/console"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

const runExamples = `medbuild run --target production -- mrinfo -version
   medbuild run --target production                 (the image's own command)
   medbuild run --target production -v $PWD/bids:/data:ro -v $PWD/out:/out -w /out -- dwidenoise /data/dwi.mif dwi.mif
   gzip -dc dwi.nii.gz | medbuild run --target production -- wc -c
   medbuild run --target python --set python.version=3.13 --entrypoint "" -- python3`

const runDescription = `Builds the target if it is not built yet and runs a command in a container of its
own on the engine. The container is gone afterwards; the exit code is the command's.

A folder given with --volume is copied to the engine and what the command changed
in it is copied back when it ends: the engine may be another machine. Until then
nothing changes here. What was removed there is removed here too, unless it was
changed here meanwhile. Say :ro for input: nothing of it is then copied back, and
the image needs no tar for it.

On a terminal the command gets a terminal of its own. Otherwise an interrupt is
passed on, and a command that does not end within a second is killed.`

func runCommand() *cli.Command {
	return &cli.Command{
		Name:        "run",
		Usage:       "run a command inside a target",
		UsageText:   "medbuild run [options] [--] [COMMAND [ARGUMENT...]]\n\nEXAMPLES:\n   " + runExamples,
		Description: runDescription,
		Flags: []cli.Flag{
			fileFlag(), setFlag(), engineFlag(), platformFlag(), progressFlag(), jobsFlag(), secretFlag(), mirrorFlag(), allowUnpinnedFlag(),
			&cli.StringFlag{Name: "target", Usage: "`NAME` of a target or of a single component"},
			&cli.StringSliceFlag{Name: "volume", Aliases: []string{"v"}, Usage: "a folder for the command: `HOST:CONTAINER[:ro]`; may be repeated"},
			&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "run in `DIR` of the container"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "`KEY=VALUE` in the command's environment, or KEY to pass it on; may be repeated"},
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `USER[:GROUP]`, by name or number"},
			&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Value: true, Usage: "pass standard input on"},
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal; the default when standard input and output are one"},
			&cli.StringFlag{Name: "entrypoint", Usage: "`PROGRAM` instead of the image's entrypoint; \"\" for none"},
		},
		Action: runRun,
	}
}

// exitStatus is the exit code of a command that was run. The command has said
// why itself.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func runRun(c *cli.Context) error {
	if err := checkPlatform(c); err != nil {
		return usageError{err}
	}
	if err := checkEngine(c); err != nil {
		return err
	}
	file, err := loadFile(c)
	if err != nil {
		return err
	}
	cmd, err := readCommand(c)
	if err != nil {
		return usageError{err}
	}
	tty, err := wantsTTY(c)
	if err != nil {
		return usageError{err}
	}
	name, err := runTarget(c, file)
	if err != nil {
		return usageError{err}
	}
	secrets, err := site.ParseSecrets(c.StringSlice("secret"), os.Getenv)
	if err != nil {
		return usageError{err}
	}
	if err := checkPins(c, file, []config.Target{name}); err != nil {
		return err
	}
	s, err := open(c, file, secrets)
	if err != nil {
		return err
	}
	defer s.close()
	if cmd.Image, err = assembled(c, s, file, name); err != nil {
		return err
	}
	prepared, err := command.Prepare(c.Context, s.solve, s.engine.Client, cmd)
	if err != nil {
		return err
	}
	if err := s.progress(); err != nil {
		return err
	}
	return inTerminal(c, prepared, tty)
}

// readCommand takes what the command line says of the command.
func readCommand(c *cli.Context) (command.Command, error) {
	cmd := command.Command{Args: c.Args().Slice(), Env: environment(c.StringSlice("env")),
		WorkingDir: c.String("workdir"), User: c.String("user")}
	if c.IsSet("entrypoint") {
		e := c.String("entrypoint")
		cmd.Entrypoint = &e
	}
	for _, v := range c.StringSlice("volume") {
		m, err := command.ParseMount(v)
		if err != nil {
			return cmd, err
		}
		cmd.Mounts = append(cmd.Mounts, m)
	}
	return cmd, nil
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

func wantsTTY(c *cli.Context) (bool, error) {
	terminal := isTerminal(os.Stdin) && isTerminal(os.Stdout)
	if !c.IsSet("tty") {
		return terminal && c.Bool("interactive"), nil
	}
	if c.Bool("tty") && c.Bool("interactive") && !isTerminal(os.Stdin) {
		return false, errors.New("--tty: standard input is not a terminal\nhint: leave --tty out, or add --interactive=false")
	}
	return c.Bool("tty"), nil
}

func isTerminal(f *os.File) bool {
	_, err := console.ConsoleFromFile(f)
	return err == nil
}

// runTarget is the named target, or the file's only one.
func runTarget(c *cli.Context, file *config.File) (config.Target, error) {
	name := c.String("target")
	if name == "" && len(file.Targets) == 1 {
		return file.Targets[0], nil
	}
	if name == "" {
		return config.Target{}, fmt.Errorf("no target named\nhint: --target takes one of %s", strings.Join(targetNames(file), ", "))
	}
	return target(file, name)
}

// inTerminal runs the command with this process's own streams and signals.
func inTerminal(c *cli.Context, p *command.Prepared, tty bool) error {
	signals := make(chan os.Signal, 8)
	ctx, handOver := detach(c.Context, signals)
	defer signal.Stop(signals)
	t := newTerminal(tty)
	defer t.close()
	std := command.Stdio{Stdout: keep{os.Stdout}, Stderr: keep{os.Stderr}, TTY: tty, Signals: signals, Resize: t.size}
	input := c.Bool("interactive")
	if input {
		std.Stdin = os.Stdin
	}
	std.Starting = func() error {
		if err := handOver(); err != nil || !tty {
			return err
		}
		return t.raw(input)
	}
	code, err := p.Run(ctx, std)
	if err == nil && code != 0 {
		return exitStatus(code)
	}
	return err
}

// keep is a stream that outlives the command.
type keep struct{ *os.File }

// Close leaves the stream open.
func (keep) Close() error { return nil }
