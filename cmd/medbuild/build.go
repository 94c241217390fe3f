package main

import (
	"fmt"
	"maps"
	"os"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

const buildExamples = `medbuild build --target production
   medbuild build --target production --output type=oci,dest=out/production,tar=false
   medbuild build --target ants --output type=docker
   medbuild build --target production --tag registry.example.org/medproc:1.5.0 --push
   medbuild build --target production --set mrtrix3.version=3.0.8 --no-cache=mrtrix3`

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:        "build",
		Usage:       "build targets of components.toml",
		UsageText:   "medbuild build [options]\n\nEXAMPLES:\n   " + buildExamples,
		Description: "Builds images. Progress goes to standard error; standard output has one line\nper image, its reference with its digest.",
		Flags: []cli.Flag{
			fileFlag(), targetFlag(), setFlag(), engineFlag(), platformFlag(), progressFlag(), jobsFlag(),
			&cli.StringSliceFlag{Name: "tag", Usage: "`REFERENCE` of the image; may be repeated"},
			&cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "where the image goes: `type=oci|docker|local|tar|image[,dest=PATH][,key=value]`"},
			&cli.BoolFlag{Name: "push", Usage: "push the image to the registries of its tags"},
			&cli.StringSliceFlag{Name: "label", Usage: "`KEY=VALUE` in the image's configuration; may be repeated"},
			&cli.StringSliceFlag{Name: "annotation", Usage: "`KEY=VALUE` in the image's manifest; may be repeated"},
			&cli.StringSliceFlag{Name: "cache-from", Usage: "read a cache: `type=registry,ref=REFERENCE`"},
			&cli.StringSliceFlag{Name: "cache-to", Usage: "write a cache: `type=registry,ref=REFERENCE,mode=max`"},
			&cli.StringSliceFlag{Name: "secret", Usage: "a secret for the components that name it: `id=ID[,src=PATH|env=NAME]`"},
			&cli.StringFlag{Name: "metadata-file", Usage: "write what is known of the result to `FILE` as JSON"},
			&cli.StringFlag{Name: "iidfile", Usage: "write the image's digest to `FILE`"},
			&cli.StringSliceFlag{Name: "no-cache", Usage: "run the steps of `COMPONENT` again; all for every step"},
		},
		Action: runBuild,
	}
}

func runBuild(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("build takes no arguments, got %q\nhint: name what to build with --target", c.Args().First())
	}
	file, err := config.Load(c.Path("file"), c.StringSlice("set"))
	if err != nil {
		return err
	}
	site := thisSite(c)
	secrets, err := site.Secrets()
	if err != nil {
		return err
	}
	e, err := connect(c, site)
	if err != nil {
		return err
	}
	defer e.Close()
	b, err := builder(c, e, file.Dir(), secrets)
	if err != nil {
		return err
	}
	err = buildAll(c, b, file)
	if cerr := b.Progress.Close(); err == nil {
		err = cerr
	}
	return err
}

func buildAll(c *cli.Context, b *build.Builder, file *config.File) error {
	var orders []build.Order
	for _, name := range c.StringSlice("target") {
		img, err := assemble(c.Context, b, file, name)
		if err != nil {
			return err
		}
		order := build.Order{Image: img, Labels: maps.Clone(file.Image.Labels)}
		for _, s := range c.StringSlice("output") {
			o, err := build.ParseOutput(s)
			if err != nil {
				return usageError{err}
			}
			entry, err := o.Entry([]string{file.Image.Name}, b.Created.Unix())
			if err != nil {
				return err
			}
			order.Output = append(order.Output, entry)
		}
		orders = append(orders, order)
	}
	results, err := b.Build(c.Context, orders)
	for _, r := range results {
		if r.Digest != "" {
			fmt.Fprintln(os.Stdout, file.Image.Name+"@"+r.Digest)
		}
	}
	return err
}
