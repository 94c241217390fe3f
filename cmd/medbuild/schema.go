package main

import (
	"io"

	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

const schemaExamples = `medbuild schema >components.schema.json
   medbuild schema | jq '."$defs" | keys'`

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the JSON Schema of components.toml, for editors",
		UsageText: "medbuild schema\n\nEXAMPLES:\n   " + schemaExamples,
		Description: "With the schema an editor completes keys, shows what they mean and marks\n" +
			"errors. Editors that use Taplo find it by a first line \"#:schema\n" +
			"./components.schema.json\" in components.toml.",
		Action: func(c *cli.Context) error { return runSchema(readOptions(c), c.App.Writer) },
	}
}

func runSchema(o options, w io.Writer) error {
	if err := o.checkLine(); err != nil {
		return err
	}
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = w.Write(schema)
	return err
}
