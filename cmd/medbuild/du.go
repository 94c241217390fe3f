package main
import "github.com/urfave/cli/v2"
func duCommand() *cli.Command { return &cli.Command{Name: "du"} }
func pruneCommand() *cli.Command { return &cli.Command{Name: "prune"} }
