package main

import (
	"errors"
	"fmt"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

// checkPins refuses what nothing pins and licences that are not accepted, before
// an engine is looked for: the bases and the components of all targets at once, so
// that whoever mends them sees the whole list.
func checkPins(c *cli.Context, file *config.File, targets []config.Target) error {
	if c.Bool("allow-unpinned") {
		return nil
	}
	var errs []error
	seen := map[string]bool{}
	for _, t := range targets {
		if b, ok := file.Base(t.Base); ok && !seen["base "+t.Base] {
			errs = append(errs, basePin(b))
		}
		seen["base "+t.Base] = true
	}
	bases := base.New(file.Dir(), cacheDir())
	for _, t := range targets {
		for _, tool := range tools(file, t.Components) {
			if name := tool.Shared().Name; !seen[name] {
				errs = append(errs, notAccepted(tool))
				errs = append(errs, toolPins(tool, listingBase(bases, file, tool))...)
				seen[name] = true
			}
		}
	}
	return errors.Join(errs...)
}

func basePin(b stage.BaseSettings) error {
	if err := b.Usable(false); unpinned(err) {
		return fmt.Errorf("%s: base %s: %w", b.At, b.Name, err)
	}
	return nil
}

func notAccepted(tool stage.Tool) error {
	licensed, ok := tool.(stage.Licensed)
	if !ok {
		return nil
	}
	err := licensed.Accepted()
	if err == nil {
		return nil
	}
	c := tool.Shared()
	return fmt.Errorf("%s: %s: %w", c.At, c.Name, err)
}

// toolPins tells of pins alone: all else that may be wrong depends on the base.
func toolPins(tool stage.Tool, on stage.Base) []error {
	c := tool.Shared()
	_, err := tool.Stage(stage.Ground{Build: on, Run: on})
	all := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		all = several.Unwrap()
	}
	var errs []error
	for _, err := range all {
		if unpinned(err) {
			errs = append(errs, fmt.Errorf("%s: %s: %w", c.At, c.Name, err))
		}
	}
	return errs
}

func unpinned(err error) bool { return errors.Is(err, stage.ErrUnpinned) }
