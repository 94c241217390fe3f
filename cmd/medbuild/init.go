package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/urfave/cli/v2"
)

const initExamples = `medbuild init
   medbuild init images/components.toml
   medbuild init --force`

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a components.toml to start from",
		ArgsUsage: "[FILE]",
		UsageText: "medbuild init [options] [FILE]\n\nEXAMPLES:\n   " + initExamples,
		Description: "Writes a commented file with one image, and every key of every stage as a\n" +
			"comment. FILE is components.toml if left out.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "replace the file if it exists"}},
		Action: func(c *cli.Context) error {
			return runInit(readOptions(c), c.Bool("force"))
		},
	}
}

func runInit(o options, force bool) error {
	name := "components.toml"
	switch {
	case len(o.args) > 1:
		return problem.Usagef("init takes one file, got %d", len(o.args)).Hint("options stand before the file")
	case len(o.args) == 1 && o.args[0] != "":
		name = o.args[0]
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) && !force {
		return exists(name, err)
	}
	if err := replace(name, config.Starter()); err != nil {
		return unwritten(name, err)
	}
	fmt.Fprintf(os.Stderr, "wrote %s; medbuild stages lists what is in it\n", name)
	return nil
}

// unwritten is why name could not be written: often its folder is not there.
func unwritten(name string, err error) error {
	if dir := filepath.Dir(name); errors.Is(err, fs.ErrNotExist) {
		return problem.Failedf("write %s: there is no folder %s", name, dir).Hint("mkdir -p %s", dir)
	}
	return fmt.Errorf("write %s: %w", name, err)
}

// exists is why name is not written: it is there, or nobody can tell.
func exists(name string, err error) error {
	if err != nil {
		return err
	}
	return problem.Failedf("%s exists", name).Hint("name another file, or replace it with --force")
}

// replace gives data the name in one go: what had it before is there until all
// is written.
func replace(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".medbuild-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
