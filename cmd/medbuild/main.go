// Command medbuild builds neuroimaging container images straight on BuildKit.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"strings"

	"github.com/containerd/log"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/urfave/cli/v2"
)

func main() { os.Exit(run(os.Args)) }

// run is the command with its exit code: that of the error's class, or that of
// the command that medbuild run ran.
func run(args []string) int {
	ctx, stop := untilSignal()
	defer stop()
	// The libraries' own warnings are no news for users: of a connection that
	// ends, for instance, which the HTTP server of the session logs.
	_ = log.SetLevel("error")
	stdlog.SetOutput(io.Discard)
	cli.HelpPrinter = printHelp // the library's place for it
	err := app().RunContext(ctx, args)
	if status := exitStatus(0); errors.As(err, &status) {
		return int(status)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = problem.New(problem.Interrupted, "interrupted")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "medbuild:", problem.Text(err))
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
		Version:                   theseVersions().Version,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              onUsageError,
		CommandNotFound:           nil,
		CustomAppHelpTemplate:     appHelp,
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
		c.OnUsageError, c.HideHelpCommand, c.CustomHelpTemplate = onUsageError, true, commandHelp
	}
	return all
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "medbuild"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name += " " + c.Command.Name
	}
	return problem.Usagef("%w", err).Hint("%s%s --help shows the options", meant(c.Command, err), name)
}

// meant asks whether a flag that does not exist is another one misspelt.
func meant(command *cli.Command, err error) string {
	_, flag, ok := strings.Cut(err.Error(), "not defined: -")
	if !ok || command == nil {
		return ""
	}
	if like := cli.SuggestFlag(command.Flags, flag, false); like != "" {
		return "did you mean " + like + "? "
	}
	return ""
}

func noCommand(c *cli.Context) error {
	if c.NArg() > 0 {
		return problem.Usagef("unknown command %q", c.Args().First()).Hint("medbuild --help lists the commands")
	}
	return cli.ShowAppHelp(c)
}
