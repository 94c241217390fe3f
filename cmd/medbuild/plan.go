package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/internal/solve"
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
		Usage:     "show what a build would do, without building",
		UsageText: "medbuild plan --target NAME [options]\n\nEXAMPLES:\n   " + planExamples,
		Description: "Shows the components with their steps and inputs, and where the image's layers\n" +
			"come from. What is known of a base is kept from earlier builds; an engine is\n" +
			"asked only for a base that no build has seen.",
		Flags: []cli.Flag{
			fileFlag(), targetFlag(), setFlag(), engineFlag(), platformFlag(), progressFlag(), mirrorFlag(), allowUnpinnedFlag(),
			formatFlag("plan"),
		},
		Action: runPlan,
	}
}

func runPlan(c *cli.Context) error {
	if err := checkLine(c); err != nil {
		return err
	}
	if err := checkPlatform(c); err != nil {
		return usageError{err}
	}
	file, err := loadFile(c)
	if err != nil {
		return err
	}
	network, err := siteFile()
	if err != nil {
		return err
	}
	if _, err := mirrors(c, network); err != nil {
		return err
	}
	targets, err := planTargets(c, file)
	if err != nil {
		return err
	}
	if err := checkPins(c, file, targets); err != nil {
		return err
	}
	p, err := planAll(c, file, targets)
	if err != nil {
		return err
	}
	return writePlan(p, c.App.Writer, c.String("format"))
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

func planAll(c *cli.Context, file *config.File, targets []config.Target) (*plan.Plan, error) {
	created, err := sourceDateEpoch()
	if err != nil {
		return nil, err
	}
	all, err := planBases(c, file, targets)
	if err != nil {
		return nil, err
	}
	p := &plan.Plan{}
	for _, t := range targets {
		if _, err := serviceLabels(c, file, t, created, nil); err != nil {
			return nil, err
		}
		img, err := assembleOn(c, file, t, all, generated(created))
		if err != nil {
			return nil, err
		}
		def, err := solve.Definition(c.Context, img.State, c.String("platform"))
		if err != nil {
			return nil, err
		}
		if err := p.Add(img, def); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// planTargets are those that the command line names, or the file's only one.
func planTargets(c *cli.Context, file *config.File) ([]config.Target, error) {
	names := c.StringSlice("target")
	if len(names) == 0 && len(file.Targets) == 1 {
		names = []string{file.Targets[0].Name}
	}
	if len(names) == 0 {
		return nil, usagef("no target named\nhint: --target takes one of %s", strings.Join(targetNames(file), ", "))
	}
	var out []config.Target
	for _, n := range names {
		t, err := target(file, n)
		if err != nil {
			return nil, usageError{err}
		}
		out = append(out, t)
	}
	return out, nil
}

// planBases is the bases that the targets stand on and their layers are made on.
// An engine is asked only for those that no build has looked at.
func planBases(c *cli.Context, file *config.File, targets []config.Target) (bases, error) {
	known := base.New(file.Dir(), cacheDir())
	known.AllowUnpinned = c.Bool("allow-unpinned")
	var s *session
	defer func() {
		if s != nil {
			s.close()
		}
	}()
	all := bases{}
	return all, all.learn(file, targets, func(settings stage.BaseSettings) (stage.Base, error) {
		b, ok, err := known.Known(settings)
		if err != nil || ok {
			return b, err
		}
		if s == nil {
			if s, err = open(c, file, nil); err != nil {
				return b, fmt.Errorf("look at base %s, which no build has seen: %w", settings.Name, err)
			}
		}
		return s.base(c.Context, settings)
	})
}
