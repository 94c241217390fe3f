package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/urfave/cli/v2"
)

const stagesExamples = `medbuild stages
   medbuild stages --file other/components.toml
   medbuild stages --format json | jq -r '.targets[].name'
   medbuild stages --format json | \
     jq -r '.components[] | select(.licence.nonCommercial) | .name'`

func stagesCommand() *cli.Command {
	return &cli.Command{
		Name:      "stages",
		Usage:     "list the components, bases and targets of components.toml",
		UsageText: "medbuild stages [options]\n\nEXAMPLES:\n   " + stagesExamples,
		Description: "Lists the components with their stage, version, prefix, licence, pin and\n" +
			"source, the bases, and the targets with their base, components and image\n" +
			"names. No engine is needed. What cannot be built as it is, such as an\n" +
			"unpinned source, is reported on standard error.",
		Flags: []cli.Flag{
			fileFlag(), allowFilesFlag(), setFlag(), formatFlag("stages"),
		},
		Action: func(c *cli.Context) error { return runStages(c.Context, readOptions(c), c.App.Writer) },
	}
}

func runStages(ctx context.Context, o options, w io.Writer) error {
	if err := o.checkLine(); err != nil {
		return err
	}
	list, err := await(ctx, o.list)
	if err != nil {
		return err
	}
	for _, p := range list.Problems() {
		fmt.Fprintln(os.Stderr, "warning:", p)
	}
	if o.format == "json" {
		return list.JSON(w)
	}
	return list.Table(w)
}

// list is what the file has, of which all must be right.
func (o options) list() (*plan.List, error) {
	p, err := o.opened()
	if err == nil {
		err = p.Whole()
	}
	if err != nil {
		return nil, err
	}
	return o.listed(p), nil
}

func (o options) listed(p *project.Project) *plan.List {
	list := &plan.List{Components: []plan.Listed{}, Bases: []plan.ListedBase{}, Targets: []plan.ListedTarget{}}
	for _, b := range p.Bases {
		list.AddBase(b)
	}
	for _, t := range p.Targets {
		list.AddTarget(listedTarget(t))
	}
	kept := o.bases(p.Dir())
	for _, c := range p.Components {
		list.Add(c.Tool, c.Listed(kept))
	}
	return list
}

func listedTarget(t project.Target) plan.ListedTarget {
	out := plan.ListedTarget{Name: t.Name, Base: t.Base.Name, Components: []string{}, Names: append([]string{}, t.Names...), At: t.At().String()}
	for _, c := range t.Components {
		out.Components = append(out.Components, c.Name())
	}
	return out
}
