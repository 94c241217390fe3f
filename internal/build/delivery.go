package build

import (
	"errors"

	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/moby/buildkit/client"
)

// delivery is an image's outputs, as the user stated them and as the engine's
// client takes them.
type delivery struct {
	outputs []output.Output
	entries []client.ExportEntry
	held    *output.Layouts
}

func deliveries(all Settings, orders []Order) ([]delivery, error) {
	var out []delivery
	for _, o := range orders {
		var d delivery
		for _, stated := range o.Outputs {
			own := stated.For(o.Image.Name)
			entry, err := own.Entry(o.Names, all.Created.Unix(), all.InDocker)
			if err != nil {
				return nil, err
			}
			d.outputs, d.entries = append(d.outputs, own), append(d.entries, entry)
		}
		out = append(out, d)
	}
	return out, nil
}

// hold shares the folders that are exported to, until leave.
func (d *delivery) hold() { d.held = output.HoldLayouts(d.entries) }

// leave is what became of the exports; err is what the engine said.
func (d delivery) leave(err error) error {
	err = full(err, d.entries)
	return errors.Join(err, d.held.Leave(err == nil))
}

// finish gives the outputs their names, or takes away what a failed build left.
func (d delivery) finish(built bool) error {
	var errs []error
	for _, o := range d.outputs {
		errs = append(errs, o.Finish(built))
	}
	return errors.Join(errs...)
}

// where says where the outputs put an image of those names.
func (d delivery) where(names []string, inDocker bool) []string {
	var out []string
	for _, o := range d.outputs {
		out = append(out, output.Where(o, names[0], inDocker))
	}
	return out
}

// full is the error of an export whose disk is full, and any other error as it is.
func full(err error, entries []client.ExportEntry) error {
	if err == nil || solve.IsStep(err) {
		return err
	}
	path, cause := "", err
	var disk *solve.FullDisk
	if errors.As(err, &disk) {
		path, cause = disk.Path, disk.Unwrap()
	}
	if full := output.Full(entries, path, cause); full != nil {
		return full
	}
	return err
}
