package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/medbuild/medbuild/internal/usage"

	"github.com/moby/buildkit/client"
	"github.com/urfave/cli/v2"
)

const duExamples = `medbuild du
   medbuild du --verbose --filter type=exec.cachemount
   medbuild du --format json`

const duDescription = `Kinds: regular is what steps wrote, source.local what was sent from here,
source.git.checkout repositories, exec.cachemount caches of compilers and package
managers. What a build uses at this moment cannot be reclaimed.`

func duCommand() *cli.Command {
	return &cli.Command{
		Name:        "du",
		Usage:       "show what the engine keeps on its disk",
		UsageText:   "medbuild du [options]\n\nEXAMPLES:\n   " + duExamples,
		Description: duDescription,
		Flags: []cli.Flag{
			engineFlag(), filterFlag(""), formatFlag("du"),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list every record, the largest first"},
		},
		Action: runDu,
	}
}

// filterFlag names the filters that all commands have, and more.
func filterFlag(more string) cli.Flag {
	return &cli.StringSliceFlag{Name: "filter", Usage: "only records with `KEY=VALUE`: type=KIND, id=ID, description=TEXT, " + more + "shared or private; all of them when repeated"}
}

func runDu(c *cli.Context) error {
	filters, err := duFilters(c)
	if err != nil {
		return usageError{err}
	}
	site, err := thisSite(c)
	if err != nil {
		return err
	}
	e, err := connect(c, site)
	if err != nil {
		return err
	}
	defer e.Close()
	usage, err := usage.Usage(c.Context, e.Client, filters)
	if err != nil {
		return err
	}
	if !c.Bool("verbose") {
		usage.Records = nil
	}
	if c.String("format") == "json" {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(usage)
	}
	return writeUsage(os.Stdout, usage)
}

func duFilters(c *cli.Context) (usage.Filters, error) {
	if err := checkLine(c); err != nil {
		return usage.Filters{}, err
	}
	f, err := usage.ParseFilters(c.StringSlice("filter"))
	if err == nil && f.Until != 0 {
		err = errors.New("--filter until is for prune")
	}
	return f, err
}

func writeUsage(w io.Writer, u usage.DiskUsage) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if len(u.Records) > 0 {
		fmt.Fprintln(t, "ID\tKIND\tSIZE\tLAST USED\tIN USE\tDESCRIPTION")
		for _, r := range u.Records {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%t\t%s\n", r.ID, r.RecordType, usage.Bytes(r.Size), lastUsed(r), r.InUse, firstLine(r.Description))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintln(t, "KIND\tRECORDS\tSIZE\tRECLAIMABLE")
	n := 0
	for _, k := range u.Kinds {
		n += k.Records
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", k.Kind, k.Records, usage.Bytes(k.Size), usage.Bytes(k.Reclaimable))
	}
	fmt.Fprintf(t, "total\t%d\t%s\t%s\n", n, usage.Bytes(u.Total), usage.Bytes(u.Reclaimable))
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
