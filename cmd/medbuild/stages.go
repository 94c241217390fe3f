package main

import (
	"fmt"
	"io"
	"os"

	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/urfave/cli/v2"
)

const stagesExamples = `medbuild stages
   medbuild stages --file other/components.toml
   medbuild stages --format json | jq -r '.components[] | select(.licence.nonCommercial) | .name'`

func stagesCommand() *cli.Command {
	return &cli.Command{
		Name:        "stages",
		Usage:       "list the components and bases of components.toml",
		UsageText:   "medbuild stages [options]\n\nEXAMPLES:\n   " + stagesExamples,
		Description: "Lists the components with their stage, version, prefix, licence, pin and source,\nand the bases. No engine is needed. What cannot be built as it stands is said on standard error.",
		Flags: []cli.Flag{
			fileFlag(), allowFilesFlag(), setFlag(), formatFlag("stages"),
		},
		Action: func(c *cli.Context) error { return runStages(readOptions(c), c.App.Writer) },
	}
}

func runStages(o options, w io.Writer) error {
	if err := o.checkLine(); err != nil {
		return err
	}
	p, err := o.opened()
	if err != nil {
		return err
	}
	list := o.listed(p)
	for _, p := range list.Problems() {
		fmt.Fprintln(os.Stderr, "warning:", p)
	}
	if o.format == "json" {
		return list.JSON(w)
	}
	return list.Table(w)
}

func (o options) listed(p *project.Project) *plan.List {
	list := &plan.List{Components: []plan.Listed{}, Bases: []plan.ListedBase{}}
	for _, b := range p.Bases {
		list.AddBase(b)
	}
	kept := o.bases(p.Dir())
	for _, c := range p.Components {
		list.Add(c.Tool, c.Listed(kept))
	}
	return list
}
