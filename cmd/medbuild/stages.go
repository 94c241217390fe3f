package main

import (
	"fmt"
	"slices"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/plan"
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
			fileFlag(), setFlag(), formatFlag("stages"),
		},
		Action: runStages,
	}
}

func runStages(c *cli.Context) error {
	if err := checkLine(c); err != nil {
		return err
	}
	file, err := loadFile(c)
	if err != nil {
		return err
	}
	list := listed(file)
	for _, p := range list.Problems() {
		fmt.Fprintln(c.App.ErrWriter, "warning:", p)
	}
	if c.String("format") == "json" {
		return list.JSON(c.App.Writer)
	}
	return list.Table(c.App.Writer)
}

func listed(file *config.File) *plan.List {
	list := &plan.List{Components: []plan.Listed{}, Bases: []plan.ListedBase{}}
	for _, b := range file.Bases {
		list.AddBase(b)
	}
	bases := base.New(file.Dir(), cacheDir())
	for _, tool := range file.Components {
		list.Add(tool, listingBase(bases, file, tool))
	}
	return list
}

// listingBase is the base of the first target that has the component, where
// what is known of it is kept from earlier builds, and an assumed one where it
// is not: a list is worth neither an engine nor an error about a base.
func listingBase(bases *base.Bases, file *config.File, tool stage.Tool) stage.Base {
	for _, t := range file.Targets {
		if !slices.Contains(t.Components, tool.Shared().Name) {
			continue
		}
		settings, _ := file.Base(t.Base)
		if b, known, err := bases.Known(settings); err == nil && known {
			return b
		}
		break
	}
	return plan.Fitting(tool)
}
