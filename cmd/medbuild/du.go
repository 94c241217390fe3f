package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/size"
	"github.com/medbuild/medbuild/internal/usage"
	"github.com/moby/buildkit/client"
	"github.com/urfave/cli/v2"
)

const duExamples = `medbuild du
   medbuild du --verbose --filter type=exec.cachemount
   medbuild du --format json`

const duDescription = `The kinds are BuildKit's: regular is what steps wrote and what was fetched,
source.local files sent from this machine, source.git.checkout repositories,
exec.cachemount cache mounts of compilers and package managers. What a
running build uses cannot be reclaimed.`

func duCommand() *cli.Command {
	return &cli.Command{
		Name:        "du",
		Usage:       "show how much disk space the engine uses",
		UsageText:   "medbuild du [options]\n\nEXAMPLES:\n   " + duExamples,
		Description: duDescription,
		Flags: withEngine(
			filterFlag(""), formatFlag("du"),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list every record, the largest first"},
		),
		Action: func(c *cli.Context) error {
			return runDu(c.Context, readOptions(c), c.StringSlice("filter"), c.Bool("verbose"))
		},
	}
}

// filterFlag names the filters that all commands have, and more.
func filterFlag(more string) cli.Flag {
	return &cli.StringSliceFlag{Name: "filter", Usage: "only records that match `FILTER`: type=KIND, id=ID, description=TEXT, " + more + "shared or private; if repeated, all must match"}
}

func runDu(ctx context.Context, o options, filter []string, verbose bool) error {
	if err := o.checkLine(); err != nil {
		return err
	}
	filters, err := duFilters(filter)
	if err != nil {
		return problem.As(problem.Usage, err)
	}
	e, err := o.engineAlone(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	used, err := usage.Usage(ctx, e, filters)
	if err != nil {
		return err
	}
	if !verbose {
		used.Records = nil
	}
	if o.format == "json" {
		return writeJSON(os.Stdout, used)
	}
	return writeUsage(os.Stdout, used)
}

func duFilters(filter []string) (usage.Filters, error) {
	f, err := usage.ParseFilters(filter)
	if err == nil && f.Until != 0 {
		err = problem.Usagef("--filter until=TIME is only for prune")
	}
	return f, err
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func writeUsage(w io.Writer, u usage.DiskUsage) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if len(u.Records) > 0 {
		fmt.Fprintln(t, "ID\tKIND\tSIZE\tLAST USED\tIN USE\tDESCRIPTION")
		for _, r := range u.Records {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%t\t%s\n", r.ID, r.RecordType, size.Text(r.Size), lastUsed(r), r.InUse, firstLine(r.Description))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintln(t, "KIND\tRECORDS\tSIZE\tRECLAIMABLE")
	n := 0
	for _, k := range u.Kinds {
		n += k.Records
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", k.Kind, k.Records, size.Text(k.Size), size.Text(k.Reclaimable))
	}
	fmt.Fprintf(t, "total\t%d\t%s\t%s\n", n, size.Text(u.Total), size.Text(u.Reclaimable))
	return t.Flush()
}

func lastUsed(r *client.UsageInfo) string {
	at := r.CreatedAt
	if r.LastUsedAt != nil {
		at = *r.LastUsedAt
	}
	return at.Local().Format(time.DateTime)
}

// firstLine is a record's description without the rest of a step's script.
func firstLine(s string) string {
	const most = 100
	line, _, _ := strings.Cut(s, "\n")
	if r := []rune(line); len(r) > most {
		line = string(r[:most])
	}
	if line != s {
		line += "…"
	}
	return line
}
