package main

import (
	"context"
	"io"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/urfave/cli/v2"
)

const planExamples = `medbuild plan --target production
   medbuild plan --target production --set mrtrix3.version=3.0.8
   medbuild plan --target production --format json | jq '.targets[0].layers'
   medbuild plan --target production --format dot | dot -Tsvg >plan.svg
   medbuild plan --target mrtrix3 --target ants --format mermaid`

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show the steps and layers of a build, without building",
		UsageText: "medbuild plan --target NAME [options]\n\nEXAMPLES:\n   " + planExamples,
		Description: "Shows the components with their steps and sources, and which part of the\n" +
			"image each layer is. What earlier builds found out about a base is reused: an\n" +
			"engine is needed only for a base that has not been built on before.",
		Flags: withEngine(
			fileFlag(), allowFilesFlag(), targetFlag(), setFlag(), platformFlag(), progressFlag(), mirrorFlag(), allowUnpinnedFlag(), debugFlag(),
			formatFlag("plan"),
		),
		Action: func(c *cli.Context) error {
			return runPlan(c.Context, readOptions(c), c.StringSlice("target"), c.App.Writer)
		},
	}
}

func runPlan(ctx context.Context, o options, names []string, w io.Writer) error {
	r, err := await(ctx, func() (planned, error) { return planTargets(o, names) })
	if err != nil {
		return err
	}
	images, err := planImages(ctx, o, r.project, r.targets)
	if err != nil {
		return err
	}
	out := &plan.Plan{}
	for _, img := range images {
		def, err := solve.Definition(ctx, img.State, o.platform)
		if err != nil {
			return err
		}
		if err := out.Add(img.Image, def); err != nil {
			return err
		}
	}
	if !o.debug && o.format != "json" { // whose keys keep their values
		out.WithoutSources()
	}
	return writePlan(out, w, o.format)
}

func writePlan(p *plan.Plan, w io.Writer, format string) error {
	switch format {
	case "json":
		return p.JSON(w)
	case "dot":
		return p.DOT(w)
	case "mermaid":
		return p.Mermaid(w)
	}
	return p.Text(w)
}

// planned is the targets that a plan is of.
type planned struct {
	project *project.Project
	targets []project.Target
}

// planTargets is what the command line names, once nothing stands against it.
func planTargets(o options, names []string) (planned, error) {
	if err := o.checkLine(); err != nil {
		return planned{}, err
	}
	if err := o.checkPlatform(); err != nil {
		return planned{}, err
	}
	p, err := o.opened()
	if err != nil {
		return planned{}, err
	}
	targets, err := p.Select(names)
	if err != nil {
		return planned{}, err
	}
	return planned{p, targets}, o.refused(p, targets)
}

// planImages puts the targets together.
func planImages(ctx context.Context, o options, p *project.Project, targets []project.Target) ([]project.Image, error) {
	images, err := o.images(ctx, p)
	if err != nil {
		return nil, err
	}
	bases := &planBases{options: o, dir: p.Dir(), kept: o.bases(p.Dir())}
	defer bases.close()
	return project.Assemble(ctx, targets, bases, images)
}

// planBases is bases of which an engine is asked only where no build has looked
// at them.
type planBases struct {
	options
	dir     string
	kept    *base.Bases
	session *session // once an engine was needed
}

// Base is the base of the settings with all that is known of it.
func (p *planBases) Base(ctx context.Context, s stage.BaseSettings) (stage.Base, error) {
	b, known, err := p.kept.Known(s)
	if err != nil || known {
		return b, err
	}
	if p.session == nil {
		if p.session, err = p.open(ctx, p.dir, nil); err != nil {
			return b, problem.Wrapf("inspect base %s, which has not been built on before: %w", s.Name, err)
		}
	}
	return p.session.Base(ctx, s)
}

func (p *planBases) close() {
	if p.session != nil {
		p.session.close()
	}
}
