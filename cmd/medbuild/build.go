package main

import (
	"context"
	"errors"
	"time"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/urfave/cli/v2"
)

const buildExamples = `medbuild build --target production
   medbuild build --target production \
     --output type=oci,dest=out/production,tar=false
   medbuild build --target ants --output type=docker
   medbuild build --target production --push \
     --tag registry.example.org/medproc:1.5.0
   medbuild build --target production --no-cache=mrtrix3 \
     --set mrtrix3.version=3.0.8`

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "build targets of components.toml",
		UsageText: "medbuild build [options]\n\nEXAMPLES:\n   " + buildExamples,
		Description: "Builds images. Progress and a summary go to standard error; standard output\n" +
			"has one line for each reference of an image, with its digest.\n" +
			"\n" +
			"Short options have the meaning that docker build gives them: -t is --tag. A\n" +
			"target is named with --target only.",
		Flags: withEngine(
			fileFlag(), allowFilesFlag(), targetFlag(), setFlag(), platformFlag(), progressFlag(), jobsFlag(), mirrorFlag(), allowUnpinnedFlag(), debugFlag(),
			&cli.StringSliceFlag{Name: "tag", Aliases: []string{"t"}, Usage: "name and tag of the image, as `REFERENCE`; may be repeated"},
			&cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "where the image goes, as `OUTPUT` type=TYPE[,dest=PATH][,KEY=VALUE]; TYPE is oci, docker, local, tar, image or registry; may be repeated"},
			&cli.BoolFlag{Name: "push", Usage: "push to the registries of the tags: each output of type image, or an image of its own if there is none"},
			&cli.StringSliceFlag{Name: "label", Usage: "set a label in the image's configuration: `KEY=VALUE`; may be repeated"},
			&cli.StringSliceFlag{Name: "annotation", Usage: "add an annotation to the image's manifest: `KEY=VALUE`; may be repeated"},
			&cli.StringSliceFlag{Name: "cache-from", Usage: "import the build cache from `CACHE`, such as type=registry,ref=REFERENCE; may be repeated"},
			&cli.StringSliceFlag{Name: "cache-to", Usage: "export the build cache to `CACHE`, such as type=registry,ref=REFERENCE,mode=max; may be repeated"},
			secretFlag(),
			&cli.StringFlag{Name: "metadata-file", Usage: "write metadata of the result to `FILE`, as JSON"},
			&cli.StringFlag{Name: "iidfile", Usage: "write the digest of the image to `FILE`"},
			&cli.GenericFlag{Name: "no-cache", Value: &noCacheValue{}, Usage: "do not use the build cache: run every step again, or only those of `COMPONENT`; may be repeated"},
		),
		Action: func(c *cli.Context) error { return runBuild(c.Context, readBuild(c)) },
	}
}

// buildFlags are the flags of medbuild build.
type buildFlags struct {
	options
	targets, tags, outputs []string
	push                   bool
	labels, annotations    []string
	cacheFrom, cacheTo     []string
	secrets                []string
	metadata, iid          string // names of files
	noCache                solve.NoCache
}

func readBuild(c *cli.Context) buildFlags {
	return buildFlags{
		options: readOptions(c), targets: c.StringSlice("target"), tags: c.StringSlice("tag"), outputs: c.StringSlice("output"), push: c.Bool("push"),
		labels: c.StringSlice("label"), annotations: c.StringSlice("annotation"),
		cacheFrom: c.StringSlice("cache-from"), cacheTo: c.StringSlice("cache-to"), secrets: c.StringSlice("secret"),
		metadata: c.String("metadata-file"), iid: c.String("iidfile"), noCache: c.Generic("no-cache").(*noCacheValue).NoCache,
	}
}

func runBuild(ctx context.Context, f buildFlags) error {
	if len(f.args) > 0 {
		return problem.Usagef("build takes no arguments, got %q", f.args[0]).Hint("name what to build with --target")
	}
	started := time.Now()
	r, err := await(ctx, func() (*request, error) { return readRequest(f) })
	if err != nil {
		return err
	}
	s, err := f.open(ctx, r.project.Dir(), r.secrets)
	if err != nil {
		return err
	}
	defer s.close()
	s.solve.NoCache, s.solve.Imports = f.noCache, r.cacheFrom
	built, release, err := r.build(ctx, s)
	defer release()
	if cerr := s.progress(); err == nil {
		err = cerr
	}
	return errors.Join(err, r.report(ctx, s, built, time.Since(started)))
}

// built is one image of a request.
type built struct {
	project.Image
	result build.Result
}

// build assembles what is asked for and builds all of it in one run.
// Until release is called, no other process writes what was written.
func (r *request) build(ctx context.Context, s *session) (out []built, release func(), err error) {
	images, err := r.flags.assemble(ctx, s, r.project, r.targets, r.labels)
	if err != nil {
		return nil, func() {}, err
	}
	var orders []build.Order
	for _, img := range images {
		orders = append(orders, build.Order{Image: img.Image, Names: img.Names, Labels: img.Labels, Outputs: r.outputs})
	}
	all := build.Settings{Created: s.created, Caches: r.cacheTo, InDocker: s.engine.InDocker()}
	results, release, err := build.Build(ctx, s.solve, all, orders)
	for i, img := range images {
		out = append(out, built{img, results[i]})
	}
	return out, release, err
}
