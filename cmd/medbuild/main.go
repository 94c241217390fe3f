// Command medbuild builds neuroimaging container images straight on BuildKit.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() { os.Exit(run(os.Args)) }

// run is the command with its exit code: 0, 1 when something failed, 2 when
// the command line is wrong, and that of the command that medbuild run ran.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	fmt.Fprintln(os.Stderr, "medbuild:", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

func app() *cli.App {
	return &cli.App{
		Name:                      "medbuild",
		Usage:                     "build neuroimaging container images on BuildKit",
		UseShortOptionHandling:    true,
		EnableBashCompletion:      true,
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
	return []*cli.Command{
		buildCommand(), planCommand(), stagesCommand(), initCommand(), schemaCommand(), versionCommand(),
		completionCommand(), completeCommand(), runCommand(), duCommand(), pruneCommand(),
	}
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
	return usagef("%w\nhint: %s --help shows the options", err, name)
}

func noCommand(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unknown command %q\nhint: medbuild --help lists the commands", c.Args().First())
	}
	return cli.ShowAppHelp(c)
}
