// Command medbuild builds neuroimaging container images straight on BuildKit.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/containerd/log"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/urfave/cli/v2"
)

func main() { os.Exit(run(os.Args)) }

// run is the command with its exit code: 0, 1 when something failed, 2 when
// the command line is wrong, and that of the command that medbuild run ran.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The libraries' own warnings are no news for users: of a connection that
	// ends, for instance, which the HTTP server of the session logs.
	_ = log.SetLevel("error")
	stdlog.SetOutput(io.Discard)
	err := app().RunContext(ctx, args)
	if err == nil {
		return 0
	}
	if status := exitStatus(0); errors.As(err, &status) {
		return int(status)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "medbuild: interrupted")
		return 130
	}
	fmt.Fprintln(os.Stderr, "medbuild:", problem.Text(err))
	if errors.As(err, new(usageError)) {
		return 2
	}
	return problem.ExitCode(err)
}

func app() *cli.App {
	return &cli.App{
		Name:                      "medbuild",
		Usage:                     "build neuroimaging container images on BuildKit",
		UseShortOptionHandling:    true,
		Suggest:                   true,
		DisableSliceFlagSeparator: true,
		HideVersion:               true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              onUsageError,
		CommandNotFound:           nil,
		Action:                    noCommand,
		Commands:                  commands(),
	}
}

func commands() []*cli.Command {
	all := []*cli.Command{
		buildCommand(), planCommand(), stagesCommand(), initCommand(), schemaCommand(), versionCommand(),
		completionCommand(), completeCommand(), runCommand(), duCommand(), pruneCommand(),
	}
	for _, c := range all { // the app's own do not reach its commands
		c.OnUsageError, c.HideHelpCommand = onUsageError, true
	}
	return all
}

// usageError is a wrong command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "medbuild"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name += " " + c.Command.Name
	}
	return usagef("%w\nhint: %s%s --help shows the options", err, meant(c, err), name)
}

// meant asks whether a flag that does not exist is another one misspelt.
func meant(c *cli.Context, err error) string {
	_, flag, ok := strings.Cut(err.Error(), "not defined: -")
	if !ok || c.Command == nil {
		return ""
	}
	if like := cli.SuggestFlag(c.Command.Flags, flag, false); like != "" {
		return "did you mean " + like + "? "
	}
	return ""
}

func noCommand(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unknown command %q\nhint: medbuild --help lists the commands", c.Args().First())
	}
	return cli.ShowAppHelp(c)
}
