package main

import (
	"errors"
	"time"

	"github.com/medbuild/medbuild/internal/build"
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
			fileFlag(), targetFlag(), setFlag(), engineFlag(), platformFlag(), progressFlag(), jobsFlag(), mirrorFlag(), allowUnpinnedFlag(),
			&cli.StringSliceFlag{Name: "tag", Usage: "`REFERENCE` of the image; may be repeated"},
			&cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "where the image goes, as `OUTPUT` type=oci|docker|local|tar|image[,dest=PATH][,key=value]; may be repeated"},
			&cli.BoolFlag{Name: "push", Usage: "push the image to the registries of its tags"},
			&cli.StringSliceFlag{Name: "label", Usage: "`KEY=VALUE` in the image's configuration; may be repeated"},
			&cli.StringSliceFlag{Name: "annotation", Usage: "`KEY=VALUE` in the image's manifest; may be repeated"},
			&cli.StringSliceFlag{Name: "cache-from", Usage: "read the `CACHE`: type=registry,ref=REFERENCE"},
			&cli.StringSliceFlag{Name: "cache-to", Usage: "write the `CACHE`: type=registry,ref=REFERENCE,mode=max"},
			secretFlag(),
			&cli.StringFlag{Name: "metadata-file", Usage: "write what is known of the result to `FILE` as JSON"},
			&cli.StringFlag{Name: "iidfile", Usage: "write the image's digest to `FILE`"},
			&cli.GenericFlag{Name: "no-cache", Value: &noCacheValue{}, Usage: "run every step again, or with --no-cache=`COMPONENT` that component's"},
		},
		Action: runBuild,
	}
}

func runBuild(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("build takes no arguments, got %q\nhint: name what to build with --target", c.Args().First())
	}
	started := time.Now()
	req, err := readRequest(c)
	if err != nil {
		return err
	}
	if err := req.checkPins(c); err != nil {
		return err
	}
	s, err := open(c, req.file, req.secrets)
	if err != nil {
		return err
	}
	defer s.close()
	s.solve.NoCache, s.solve.Imports = req.noCache, req.cacheFrom
	built, err := req.build(c, s)
	if cerr := s.progress(); err == nil {
		err = cerr
	}
	return errors.Join(err, req.report(c, s, built, time.Since(started)))
}

// build assembles what is asked for and builds all of it in one run.
func (r *request) build(c *cli.Context, s *session) ([]built, error) {
	var orders []build.Order
	var out []built
	for _, name := range r.targets {
		b, err := r.order(c, s, name)
		if err != nil {
			return nil, err
		}
		orders, out = append(orders, b.order), append(out, b)
	}
	results, err := build.Build(c.Context, s.solve, build.Settings{Created: s.created, Caches: r.cacheTo}, orders)
	for i := range out {
		out[i].result = results[i]
		for _, o := range out[i].outputs {
			err = errors.Join(err, o.Finish(results[i].Target != ""))
		}
	}
	return out, err
}
