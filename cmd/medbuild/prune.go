package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/size"
	"github.com/medbuild/medbuild/internal/usage"
	"github.com/moby/buildkit/client"
	"github.com/urfave/cli/v2"
)

const pruneExamples = `medbuild prune
   medbuild prune --keep-storage 20GB
   medbuild prune --keep-duration 48h --force
   medbuild prune --filter type=exec.cachemount
   medbuild prune --all --force`

func pruneCommand() *cli.Command {
	return &cli.Command{
		Name:      "prune",
		Usage:     "remove unused data from the engine's disk",
		UsageText: "medbuild prune [options]\n\nEXAMPLES:\n   " + pruneExamples,
		Description: "Removes the build cache that no running build uses, and prints each record\n" +
			"and how much space was freed. What is removed is built or fetched again when\n" +
			"it is needed. On a terminal it asks first.",
		Flags: withEngine(
			filterFlag("until=24h, "),
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "also remove internal records of the engine and those that images share"},
			&cli.StringFlag{Name: "keep-storage", Usage: "keep up to `SIZE` of the most recently used records, such as 20GB"},
			&cli.DurationFlag{Name: "keep-duration", Usage: "keep records that were used within `TIME`, such as 48h"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f", "y"}, Usage: "do not ask for confirmation"},
		),
		Action: func(c *cli.Context) error {
			return runPrune(c.Context, readOptions(c), readPrune(c))
		},
	}
}

// pruneFlags are the flags of medbuild prune alone.
type pruneFlags struct {
	filter       []string
	keepStorage  string
	keepDuration time.Duration
	all, force   bool
}

func readPrune(c *cli.Context) pruneFlags {
	return pruneFlags{filter: c.StringSlice("filter"), keepStorage: c.String("keep-storage"),
		keepDuration: c.Duration("keep-duration"), all: c.Bool("all"), force: c.Bool("force")}
}

func runPrune(ctx context.Context, o options, flags pruneFlags) error {
	if err := o.checkLine(); err != nil {
		return err
	}
	p, err := flags.prune()
	if err != nil {
		return problem.As(problem.Usage, err)
	}
	if !flags.force && !agreed(p) {
		fmt.Fprintln(os.Stderr, "nothing was removed")
		return nil
	}
	o.engine.Frees = true
	e, err := o.engineAlone(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	var freed int64
	err = p.Run(ctx, e, func(r client.UsageInfo) {
		freed += r.Size
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.ID, size.Text(r.Size), firstLine(r.Description))
	})
	if err == nil {
		var lost int64
		lost, err = discarded(ctx, e)
		if freed += lost; lost > 0 {
			fmt.Fprintf(t, "-\t%s\twhat no record led to\n", size.Text(lost))
		}
	}
	fmt.Fprintf(t, "total\t%s\n", size.Text(freed))
	return errors.Join(err, t.Flush())
}

// discarded removes what an engine that lists nothing still has on its disk, and
// returns the bytes. A build that ends with a full disk may leave the engine
// without the record of what it had stored.
func discarded(ctx context.Context, e *engine.Engine) (int64, error) {
	left, err := usage.Usage(ctx, e, usage.Filters{})
	if err != nil || len(left.Records) > 0 {
		return 0, err
	}
	return e.Discard()
}

// prune is what the flags say, or what is wrong with them.
func (f pruneFlags) prune() (usage.Prune, error) {
	p := usage.Prune{All: f.all, KeepDuration: f.keepDuration}
	if p.KeepDuration < 0 {
		return p, problem.Usagef("--keep-duration is negative")
	}
	var err error
	if p.Filters, err = usage.ParseFilters(f.filter); err != nil {
		return p, err
	}
	if f.keepStorage != "" {
		if p.KeepStorage, err = size.Parse(f.keepStorage); err != nil {
			return p, problem.Usagef("--keep-storage: %w", err)
		}
	}
	return p, nil
}

// agreed asks, unless nobody is there to answer.
func agreed(p usage.Prune) bool {
	if !isTerminal(os.Stdin) {
		return true
	}
	what := "what the engine keeps and no build uses"
	if p.All {
		what = "everything the engine keeps and no build uses"
	}
	fmt.Fprintf(os.Stderr, "This removes %s. Continue? [y/N] ", what)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
