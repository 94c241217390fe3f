package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

const initExamples = `medbuild init
   medbuild init images/components.toml
   medbuild init --force`

func initCommand() *cli.Command {
	return &cli.Command{
		Name:        "init",
		Usage:       "write a components.toml to start from",
		ArgsUsage:   "[FILE]",
		UsageText:   "medbuild init [options] [FILE]\n\nEXAMPLES:\n   " + initExamples,
		Description: "Writes a commented file with an image, and every key of every stage as a comment.\nFILE is components.toml when it is left out.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "replace the file if it exists"}},
		Action:      runInit,
	}
}

func runInit(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("init takes one file, got %d\nhint: options stand before the file", c.NArg())
	}
	name := c.Args().First()
	if name == "" {
		name = "components.toml"
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) && !c.Bool("force") {
		return exists(name, err)
	}
	if err := replace(name, config.Starter()); err != nil {
		return unwritten(name, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "wrote %s; medbuild stages lists what is in it\n", name)
	return nil
}

// unwritten is why name could not be written: often its folder is not there.
func unwritten(name string, err error) error {
	if dir := filepath.Dir(name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: there is no folder %s\nhint: mkdir -p %s", name, dir, dir)
	}
	return fmt.Errorf("write %s: %w", name, err)
}

// exists is why name is not written: it is there, or nobody can tell.
func exists(name string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s exists\nhint: name another file, or replace it with --force", name)
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
